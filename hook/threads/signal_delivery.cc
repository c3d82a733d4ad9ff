#include "colibri/hook/threads/signal_delivery.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "colibri/core/check.h"
#include "colibri/core/libc.h"
#include "colibri/core/scheduler.h"
#include "colibri/core/unpark.h"
#include "colibri/hook/blocking_call.h"
#include "colibri/hook/program_memory.h"
#include "colibri/hook/threads/pending_signals.h"
#include "colibri/hook/threads/signal_masks.h"
#include "colibri/hook/threads/thread_variables.h"

namespace colibri::signal_delivery {
namespace {

/// Has the loop settle what handlers and other threads have left. One for all: it is on its way, or
/// it is not.
class Reminder final : public InboxMessage {
 public:
  void send() noexcept {
    Mailbox* const mailbox = home_.load();
    if (mailbox != nullptr && !is_on_its_way_.exchange(true)) mailbox->post(this);
  }
  /// The scheduler that it goes to is the calling thread's.
  void settle_here() noexcept { home_.store(thread_state.scheduler->mailbox().get()); }
  void deliver() noexcept override;
  void dispose() noexcept override {}

 private:
  std::atomic<Mailbox*> home_{nullptr};
  std::atomic<bool> is_on_its_way_{false};
};
constinit Reminder reminder;

/// Belongs to one scheduler.
struct State {
  EmulatedThread* acted_as = nullptr;  // see ActingAs
  EmulatedThread* raising = nullptr;   // sends itself a signal that it lets in
};
constinit thread_local State state;

/// What `thread` keeps away now.
SignalBits mask_of(const EmulatedThread& thread) noexcept {
  const bool runs = &thread == EmulatedThread::current() && state.acted_as != &thread;
  return runs ? thread.signals.mask : thread.signals.wait_mask;
}

bool lets_in(const EmulatedThread& thread, int signal) noexcept {
  return (mask_of(thread) & signal_bit(signal)) == 0;
}

/// To the kernel's thread, which has it pending or handled by the return. errno is kept.
int hand_to_kernel(siginfo_t& info) noexcept {
  const int saved_errno = errno;
  const long result = real::syscall(SYS_rt_tgsigqueueinfo, getpid(), real::syscall(SYS_gettid),
                                    info.si_signo, &info);
  const int error = result == 0 ? 0 : errno;
  errno = saved_errno;
  return error;
}

/// Those that are pending for `thread`, but not in `mask`, become the kernel's thread's.
void hand_over(EmulatedThread& thread, SignalBits mask) noexcept {
  siginfo_t info;
  while (pending_signals::take(thread.signals, ~mask, info)) hand_to_kernel(info);
}

void note(EmulatedThread& thread, bool restarts) noexcept {
  (restarts ? thread.signals.restarted : thread.signals.interrupted).store(true);
}

/// A wait of `thread` hears of handlers that have run for it. A signal that has ended no wait ends
/// none later.
void tell_wait(EmulatedThread& thread) noexcept {
  const bool interrupted = thread.signals.interrupted.exchange(false);
  const bool restarted = thread.signals.restarted.exchange(false);
  ControlBlock& leaf = leaf_of(*thread.coroutine);
  if (leaf.state != CoroutineState::kParked) return;
  if ((thread.signals.pending.load() & thread.signals.awaited) != 0) {
    unpark(leaf, WakeReason::kFired);
  } else if (leaf.wait_interruptible && (interrupted || (restarted && leaf.wait_never_restarts))) {
    unpark(leaf, WakeReason::kInterrupted);
  }
}

/// `thread` does not run. Outside handlers, on its scheduler's thread.
void settle(EmulatedThread& thread) noexcept {
  if (thread.coroutine == nullptr) return;
  const SignalBits mask = thread.signals.wait_mask;
  if ((thread.signals.pending.load() & ~mask) != 0) {
    const ActingAs acting(thread);
    const SignalBits before = signal_masks::set_in_force(mask);
    hand_over(thread, mask);
    signal_masks::set_in_force(before);
  }
  tell_wait(thread);
}

void Reminder::deliver() noexcept {
  is_on_its_way_.store(false);
  emulated_threads::for_each(&settle);
}

/// Who handles `signal`, which has come to the process: main if it may, as in the kernel; otherwise
/// rather one that waits and hears of it.
EmulatedThread* choose(int signal) noexcept {
  EmulatedThread* const main = emulated_threads::main_thread();
  if (main != nullptr && lets_in(*main, signal)) return main;
  struct Choice {
    const int signal;
    EmulatedThread* thread = nullptr;
    bool hears = false;
  } choice{signal};
  emulated_threads::for_each([&choice](EmulatedThread& each) {
    if (each.coroutine == nullptr || choice.hears || !lets_in(each, choice.signal)) return;
    const ControlBlock& leaf = leaf_of(*each.coroutine);
    choice.hears = leaf.state == CoroutineState::kParked && leaf.wait_interruptible;
    if (choice.thread == nullptr || choice.hears) choice.thread = &each;
  });
  return choice.thread;
}

int raise_here(EmulatedThread& self, siginfo_t info) noexcept {
  EmulatedThread* const before = std::exchange(state.raising, &self);
  const int error = hand_to_kernel(info);
  state.raising = before;
  return error;
}

}  // namespace

void begin() noexcept {
  reminder.settle_here();
}

int send(EmulatedThread& thread, const siginfo_t& info) noexcept {
  const bool runs = &thread == EmulatedThread::current();
  if (runs && lets_in(thread, info.si_signo)) return raise_here(thread, info);
  if (!pending_signals::add(thread.signals, info)) return EAGAIN;
  if (runs) return 0;
  if (parkable_coroutine() != nullptr && EmulatedThread::current() != nullptr) {
    settle(thread);
  } else {
    reminder.send();
  }
  return 0;
}

void set_mask(EmulatedThread& self, SignalBits mask) noexcept {
  EmulatedThread* const before = std::exchange(state.raising, &self);
  hand_over(self, mask);
  signal_masks::set(self, mask);
  state.raising = before;
}

bool let_in(const sigset_t& mask) noexcept {
  EmulatedThread* const self = EmulatedThread::current();
  if (self == nullptr || (self->signals.pending.load() & ~bits_of(mask)) == 0) return false;
  const HandlerCounts before = handler_counts;
  state.raising = self;
  hand_over(*self, bits_of(mask));
  signal_masks::set_in_force(bits_of(mask));
  signal_masks::set_in_force(self->signals.mask);
  state.raising = nullptr;
  return handler_counts.interrupting != before.interrupting ||
         handler_counts.restarting != before.restarting;
}

int take(const sigset_t* set, siginfo_t* info) noexcept {
  EmulatedThread* const self = EmulatedThread::current();
  if (self == nullptr || self->signals.pending.load() == 0) return 0;
  SignalBits among;
  siginfo_t taken;
  if (!read_program_memory(&among, set, sizeof among)) return fail_with_errno(EFAULT);
  if (!pending_signals::take(self->signals, among, taken)) return 0;
  // As in the kernel, it is gone even if nobody can be told of it.
  if (info != nullptr && !write_program_memory(info, &taken, sizeof taken)) {
    return fail_with_errno(EFAULT);
  }
  return taken.si_signo;
}

void discard(int signal) noexcept {
  if (!pending_signals::are_there()) return;
  emulated_threads::for_each([signal](EmulatedThread& each) {
    pending_signals::discard(each.signals, signal_bit(signal));
  });
}

bool note_handler(int signal, bool restarts) noexcept {
  if (!emulated_threads::are_on()) return false;
  const EmulatedThread* const main = emulated_threads::main_thread();
  if (EmulatedThread* const owner = state.acted_as; owner != nullptr) {
    if (owner == main && signal_masks::loop_looks()) return false;
    note(*owner, restarts);
    // Otherwise who acts so outside handlers tells the wait.
    if (signal_masks::loop_looks()) reminder.send();
    return true;
  }
  EmulatedThread* const self = EmulatedThread::current();
  if (self != nullptr && self == state.raising) return true;
  // It is main that the kernel would have chosen, and that waits for it.
  if (main != nullptr && lets_in(*main, signal)) return false;
  if (self != nullptr) return true;
  if (EmulatedThread* const chosen = choose(signal); chosen != nullptr) {
    note(*chosen, restarts);
    reminder.send();
  }
  return true;
}

void leave_handler() noexcept {
  check(state.acted_as == nullptr && !signal_masks::is_switching(),
        "a signal handler must not be left by a jump while its thread waits: threads are "
        "coroutines, and the handler runs on another stack than its thread's");
  state.raising = nullptr;
}

ActingAs::ActingAs(EmulatedThread& thread) noexcept
    : running_(std::exchange(thread_state.current, thread.coroutine)),
      acted_as_(std::exchange(state.acted_as, &thread)),
      errno_(errno) {
  thread_variables::bring_in(*thread.coroutine);
}

ActingAs::~ActingAs() {
  thread_state.current = running_;
  if (running_ != nullptr) thread_variables::bring_in(*running_);
  state.acted_as = acted_as_;
  errno = errno_;
}

HandlerOwner::HandlerOwner(int signal) noexcept {
  if (thread_state.current != nullptr || !signal_masks::loop_looks()) return;
  EmulatedThread* const chosen = choose(signal);
  if (chosen != nullptr) acting_.emplace(*chosen);
}

}  // namespace colibri::signal_delivery
