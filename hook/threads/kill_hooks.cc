// pthread_kill and pthread_sigqueue, to a thread that is a coroutine. The handler runs at once, on
// the scheduler's thread and in whichever coroutine called; a call in which the other one waits
// then fails with EINTR, unless the handler has SA_RESTART.
#include <pthread.h>
#include <signal.h>

#include <cerrno>

#include "colibri/core/libc.h"
#include "colibri/core/scheduler.h"
#include "colibri/core/unpark.h"
#include "colibri/hook/blocking_call.h"
#include "colibri/hook/threads/emulated_thread.h"

namespace colibri {
namespace {

constinit RealFunction real_self{"pthread_self", ::pthread_self};
constinit RealFunction real_kill{"pthread_kill", ::pthread_kill};
constinit RealFunction real_queue{"pthread_sigqueue", ::pthread_sigqueue};

bool interrupts(int signal, const ControlBlock& coroutine) noexcept {
  struct sigaction action {};
  if (sigaction(signal, nullptr, &action) != 0) return false;
  if (action.sa_handler == SIG_IGN || action.sa_handler == SIG_DFL) return false;
  return (action.sa_flags & SA_RESTART) == 0 || coroutine.wait_never_restarts;
}

/// The handler of `signal` has run: ends the wait of `thread`, which is another one than the
/// caller's.
void interrupt_wait(const EmulatedThread& thread, int signal) noexcept {
  // It was noted for main, whose signal it was not.
  thread_state.scheduler->forget_interrupt();
  if (thread.coroutine == nullptr) return;
  ControlBlock& leaf = leaf_of(*thread.coroutine);
  if (leaf.state == CoroutineState::kParked && leaf.wait_interruptible &&
      interrupts(signal, leaf)) {
    unpark(leaf, WakeReason::kInterrupted);
  }
}

/// `send(id)` sends to a thread of the kernel's.
template <class Send>
int signal_thread(EmulatedThread& thread, int signal, Send send) noexcept {
  const auto state = thread.state.load();
  if (state == EmulatedThread::State::kFree) return ESRCH;
  if (signal < 0 || signal >= NSIG) return EINVAL;
  if (state == EmulatedThread::State::kEnded || signal == 0) return 0;
  const int result = send(real_self());
  if (result == 0 && &thread != EmulatedThread::current() && parkable_coroutine() != nullptr) {
    interrupt_wait(thread, signal);
  }
  return result;
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int pthread_kill(pthread_t id, int signal) noexcept {
  EmulatedThread* const thread = EmulatedThread::find(id);
  if (thread == nullptr) return real_kill(id, signal);
  return signal_thread(*thread, signal, [=](pthread_t self) { return real_kill(self, signal); });
}

int pthread_sigqueue(pthread_t id, int signal, const sigval value) noexcept {
  EmulatedThread* const thread = EmulatedThread::find(id);
  if (thread == nullptr) return real_queue(id, signal, value);
  return signal_thread(*thread, signal,
                       [=](pthread_t self) { return real_queue(self, signal, value); });
}

}  // extern "C"
