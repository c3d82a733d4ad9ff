#include "colibri/core/fault_signals.h"

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "colibri/core/alternate_stack.h"
#include "colibri/core/crash_report.h"
#include "colibri/core/foreign_access.h"
#include "colibri/core/libc.h"
#include "colibri/core/small_lock.h"
#include "colibri/core/stack_overflow.h"

namespace colibri {
namespace {

/// What is done on faults that are not ours. Readers are signal handlers and take no lock: they
/// read one of two copies, the one that is not being written.
struct ForwardedAction {
  struct sigaction copies[2] = {};
  std::atomic<unsigned> present{0};

  const struct sigaction& get() const noexcept {
    return copies[present.load(std::memory_order_acquire) % 2];
  }
  void set(const struct sigaction& action) noexcept {
    const unsigned next = present.load(std::memory_order_relaxed) + 1;
    copies[next % 2] = action;
    present.store(next, std::memory_order_release);
  }
};

constinit ForwardedAction forwarded_segv;
constinit ForwardedAction forwarded_bus;
constinit SmallLock exchange_lock;
constinit std::atomic<bool> watching{false};

ForwardedAction& forwarded(int signal) noexcept {
  return signal == SIGSEGV ? forwarded_segv : forwarded_bus;
}

bool has_handler(const struct sigaction& action) noexcept {
  return action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
}

/// Ends the process by `signal`, at the place of the fault, once the handler has returned.
void end_by(int signal, const siginfo_t& info) noexcept {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  real::sigaction(signal, &action, nullptr);
  // A fault comes again by itself. What somebody, or the kernel, has sent does not; it is blocked
  // until the handler returns.
  if (info.si_code <= 0 || info.si_code == SI_KERNEL) pthread_kill(pthread_self(), signal);
}

void call_handler(const struct sigaction& action, int signal, siginfo_t* info, void* context) {
  sigset_t mask = action.sa_mask;
  pthread_sigmask(SIG_BLOCK, &mask, nullptr);
  if ((action.sa_flags & SA_NODEFER) != 0) {
    sigemptyset(&mask);
    sigaddset(&mask, signal);
    pthread_sigmask(SIG_UNBLOCK, &mask, nullptr);
  }
  // The mask of before comes back with the return from our own handler, or with siglongjmp.
  if ((action.sa_flags & SA_SIGINFO) != 0) {
    action.sa_sigaction(signal, info, context);
  } else {
    action.sa_handler(signal);
  }
}

void forward(int signal, siginfo_t* info, void* context) {
  const struct sigaction action = forwarded(signal).get();
  if (has_handler(action)) {
    if ((static_cast<unsigned>(action.sa_flags) & SA_RESETHAND) != 0) {
      forwarded(signal).set({});
    }
    call_handler(action, signal, info, context);
    return;
  }
  // The kernel lets nobody ignore a fault, but does so with what another process sends.
  if (action.sa_handler == SIG_IGN && info->si_code <= 0) return;
  end_by(signal, *info);
}

void on_fault(int signal, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  if (report_stack_overflow(*info, context) || report_foreign_access(*info, context)) {
    end_by(signal, *info);
  } else {
    forward(signal, info, context);
  }
  errno = saved_errno;
}

void install(int signal) noexcept {
  struct sigaction previous {};
  if (real::sigaction(signal, nullptr, &previous) != 0) return;
  forwarded(signal).set(previous);
  struct sigaction ours {};
  ours.sa_sigaction = &on_fault;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
  // A system call that a sent signal interrupts goes on, or fails, as it did before.
  ours.sa_flags |= previous.sa_flags & SA_RESTART;
  sigemptyset(&ours.sa_mask);
  real::sigaction(signal, &ours, nullptr);
}

}  // namespace

void watch_faults() noexcept {
  ensure_alternate_stack();
  if (watching.load(std::memory_order_acquire)) [[likely]]
    return;
  const SmallLockGuard guard(exchange_lock);
  if (watching.load(std::memory_order_relaxed)) return;
  prepare_crash_report();
  watch_bad_pointers();
  install(SIGSEGV);
  install(SIGBUS);
  watching.store(true, std::memory_order_release);
}

bool is_watched_fault(int signal) noexcept {
  return (signal == SIGSEGV || signal == SIGBUS) && watching.load(std::memory_order_acquire);
}

void exchange_fault_action(int signal, const struct sigaction* wanted,
                           struct sigaction* previous) noexcept {
  // A handler that comes here while this thread holds the lock would wait for ever.
  sigset_t all;
  sigset_t mask;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &mask);
  {
    const SmallLockGuard guard(exchange_lock);
    ForwardedAction& action = forwarded(signal);
    const struct sigaction before = action.get();
    if (wanted != nullptr) action.set(*wanted);
    if (previous != nullptr) *previous = before;
  }
  pthread_sigmask(SIG_SETMASK, &mask, nullptr);
}

}  // namespace colibri
