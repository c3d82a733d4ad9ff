// sigaction, signal, sigset, siginterrupt: puts a handler of ours before the
// program's, which keeps hooks from parking while it runs and passes EINTR on to main's coroutine
// afterwards.
//
// The kernel interrupts a system call of the thread, but main's coroutine is parked and makes none;
// so a handler that was installed without SA_RESTART interrupts its present or next interruptible
// wait instead. Signals that the processor raises (SIGSEGV and its like) are left alone, but for
// those that core watches: there, core's handler stays in front and calls the program's.
#include <signal.h>

#include <array>

#include "colibri/core/alternate_stack.h"
#include "colibri/core/fault_signals.h"
#include "colibri/hook/blocking_call.h"
#include "colibri/hook/threads/signal_delivery.h"

namespace colibri {
namespace {

/// What the program installed for one signal, as its handler's caller needs it.
struct UserAction {
  std::atomic<void*> handler{nullptr};  // null: not through us
  std::atomic<int> flags{0};
};

constinit std::array<UserAction, NSIG> actions;

bool comes_from_processor(int signal) noexcept {
  return signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE || signal == SIGILL ||
         signal == SIGTRAP || signal == SIGABRT || signal == SIGSYS;
}

void call_user_handler(void* handler, int flags, int signal, siginfo_t* info, void* context) {
  const HandlerScope scope(static_cast<const ucontext_t*>(context));
  if ((flags & SA_SIGINFO) != 0) {
    reinterpret_cast<void (*)(int, siginfo_t*, void*)>(handler)(signal, info, context);
  } else {
    reinterpret_cast<void (*)(int)>(handler)(signal);
  }
}

void run_user_handler(int signal, siginfo_t* info, void* context) {
  UserAction& action = actions[static_cast<std::size_t>(signal)];
  void* const handler = action.handler.load(std::memory_order_acquire);
  const int flags = action.flags.load(std::memory_order_relaxed);
  if (handler == nullptr) return;
  if ((static_cast<unsigned>(flags) & SA_RESETHAND) != 0)
    action.handler.store(nullptr, std::memory_order_relaxed);
  const bool restarts = (flags & SA_RESTART) != 0;
  const signal_delivery::HandlerOwner owner(signal);
  call_user_handler(handler, flags, signal, info, context);
  ++(restarts ? handler_counts.restarting : handler_counts.interrupting);
  if (thread_state.scheduler == nullptr || signal_delivery::note_handler(signal, restarts)) return;
  thread_state.scheduler->interrupt(signal, restarts);
}

void* handler_of(const struct sigaction& action) noexcept {
  return (action.sa_flags & SA_SIGINFO) != 0 ? reinterpret_cast<void*>(action.sa_sigaction)
                                             : reinterpret_cast<void*>(action.sa_handler);
}

bool needs_us(int signal, const struct sigaction& action) noexcept {
  return !comes_from_processor(signal) && action.sa_handler != SIG_IGN &&
         action.sa_handler != SIG_DFL;
}

/// True if what is pending of `signal` is gone from now on.
bool is_ignored(int signal, const struct sigaction& action) noexcept {
  return action.sa_handler == SIG_IGN ||
         (action.sa_handler == SIG_DFL &&
          (signal == SIGCHLD || signal == SIGCONT || signal == SIGURG || signal == SIGWINCH));
}

/// Shows the program what it installed, not what we put before it.
void hide_ours(struct sigaction& reported, void* handler, int flags) noexcept {
  if (reported.sa_sigaction != &run_user_handler) return;
  reported.sa_flags = flags;
  if ((flags & SA_SIGINFO) != 0) {
    reported.sa_sigaction = reinterpret_cast<void (*)(int, siginfo_t*, void*)>(handler);
  } else {
    reported.sa_handler = reinterpret_cast<void (*)(int)>(handler);
  }
}

int hooked_sigaction(int signal, const struct sigaction* wanted,
                     struct sigaction* previous) noexcept {
  if (signal <= 0 || signal >= NSIG || descriptor_table::is_of_another_process()) {
    return real::sigaction(signal, wanted, previous);
  }
  if (is_watched_fault(signal)) {
    exchange_fault_action(signal, wanted, previous);
    return 0;
  }
  UserAction& action = actions[static_cast<std::size_t>(signal)];
  void* const old_handler = action.handler.load();
  const int old_flags = action.flags.load();
  struct sigaction installed {};
  if (wanted != nullptr) {
    installed = *wanted;
    if (needs_us(signal, *wanted)) {
      find_jumps();
      // Before the kernel knows: the signal may come at once.
      action.flags.store(wanted->sa_flags, std::memory_order_relaxed);
      action.handler.store(handler_of(*wanted), std::memory_order_release);
      installed.sa_sigaction = &run_user_handler;
      installed.sa_flags |= SA_SIGINFO;
    }
  }
  struct sigaction reported {};
  const int result = real::sigaction(signal, wanted != nullptr ? &installed : nullptr, &reported);
  if (result != 0) {
    action.flags.store(old_flags);
    action.handler.store(old_handler);
    return result;
  }
  if (wanted != nullptr && is_ignored(signal, *wanted)) signal_delivery::discard(signal);
  hide_ours(reported, old_handler, old_flags);
  if (previous != nullptr) *previous = reported;
  return result;
}

sighandler_t refuse_signal() noexcept {
  errno = EINVAL;
  return SIG_ERR;
}

/// As sigprocmask.
int change_mask(int how, const sigset_t& set, sigset_t& before) noexcept {
  EmulatedThread* const self = EmulatedThread::current();
  if (self == nullptr) return sigprocmask(how, &set, &before);
  const SignalBits mask = self->signals.mask;
  before = set_of(mask);
  signal_delivery::set_mask(*self, how == SIG_BLOCK ? mask | bits_of(set) : mask & ~bits_of(set));
  return 0;
}

/// As signal and its kind do it; `blocks`: the handler keeps its own signal away.
sighandler_t install(int signal, sighandler_t handler, int flags, bool blocks) noexcept {
  struct sigaction wanted {};
  wanted.sa_handler = handler;
  wanted.sa_flags = flags;
  sigemptyset(&wanted.sa_mask);
  if (blocks) sigaddset(&wanted.sa_mask, signal);
  struct sigaction previous {};
  return hooked_sigaction(signal, &wanted, &previous) == 0 ? previous.sa_handler : SIG_ERR;
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int sigaction(int signal, const struct sigaction* wanted, struct sigaction* previous) noexcept {
  return hooked_sigaction(signal, wanted, previous);
}

sighandler_t signal(int number, sighandler_t handler) noexcept {
  if (number <= 0 || number >= NSIG || handler == SIG_ERR) return refuse_signal();
  return install(number, handler, SA_RESTART, true);
}

sighandler_t __sysv_signal(int number, sighandler_t handler) noexcept {
  if (number <= 0 || number >= NSIG || handler == SIG_ERR) return refuse_signal();
  return install(number, handler, static_cast<int>(SA_RESETHAND) | SA_NODEFER, false);
}

sighandler_t sysv_signal(int number, sighandler_t handler) noexcept {
  return __sysv_signal(number, handler);
}

sighandler_t sigset(int number, sighandler_t disposition) noexcept {
  if (number <= 0 || number >= NSIG || disposition == SIG_ERR) return refuse_signal();
  const bool hold = disposition == SIG_HOLD;
  struct sigaction previous {};
  if (hold) {
    if (hooked_sigaction(number, nullptr, &previous) != 0) return SIG_ERR;
  } else {
    previous.sa_handler = install(number, disposition, 0, false);
    if (previous.sa_handler == SIG_ERR) return SIG_ERR;
  }
  sigset_t just_this;
  sigset_t blocked;
  sigemptyset(&just_this);
  sigaddset(&just_this, number);
  if (change_mask(hold ? SIG_BLOCK : SIG_UNBLOCK, just_this, blocked) != 0) return SIG_ERR;
  return sigismember(&blocked, number) != 0 ? SIG_HOLD : previous.sa_handler;
}

int siginterrupt(int signal, int interrupt) noexcept {
  struct sigaction action {};
  if (hooked_sigaction(signal, nullptr, &action) != 0) return -1;
  action.sa_flags = interrupt != 0 ? action.sa_flags & ~SA_RESTART : action.sa_flags | SA_RESTART;
  return hooked_sigaction(signal, &action, nullptr);
}

}  // extern "C"
