// The template of the calls that wait for several things: poll, select, epoll_wait and their kind.
//
// Each asks the kernel first, without waiting, and again whenever an event says that something may
// have changed: so results are exactly the kernel's own, and are written by a coroutine that runs.
#pragma once

#include <signal.h>

#include <memory>

#include "colibri/hook/blocking_call.h"
#include "colibri/hook/threads/signal_delivery.h"
#include "colibri/hook/threads/signal_masks.h"

namespace colibri {

/// How long such a call waits, and under which signal mask.
struct Patience {
  static Patience milliseconds(int timeout) noexcept {
    if (timeout < 0) return {};
    return {Deadline::after(std::chrono::milliseconds(timeout)), timeout == 0, nullptr};
  }
  /// `timeout` is valid, or null: for ever.
  static Patience of(const timespec* timeout, const sigset_t* mask) noexcept {
    if (timeout == nullptr) return {Deadline::never(), false, mask};
    const auto span = std::chrono::seconds(timeout->tv_sec);
    const bool for_ever = timeout->tv_sec >= kMostSeconds;
    const bool at_once = timeout->tv_sec == 0 && timeout->tv_nsec == 0;
    return {for_ever ? Deadline::never()
                     : Deadline::after(span + std::chrono::nanoseconds(timeout->tv_nsec)),
            at_once, mask};
  }

  static constexpr time_t kMostSeconds = 9'000'000'000;

  Deadline deadline;
  bool at_once = false;
  const sigset_t* mask = nullptr;  // null: the thread's
};

/// True for what the kernel takes as a time-out.
inline bool is_valid_timeout(const timespec& time) noexcept {
  return time.tv_sec >= 0 && time.tv_nsec >= 0 && time.tv_nsec < 1'000'000'000;
}

/// While it lives, the scheduler sleeps under the signal mask of the current coroutine's call, and
/// a handler that runs then interrupts that call. A coroutine that is a thread to the program has a
/// mask of its own, which this one stands in for as long as it waits.
class [[nodiscard]] MaskedWaitScope {
 public:
  explicit MaskedWaitScope(const sigset_t* mask, bool for_handler = false) noexcept {
    if (mask == nullptr) return;
    thread_ = EmulatedThread::current();
    if (thread_ != nullptr) {
      signal_masks::set_wait_mask(*thread_, bits_of(*mask));
      return;
    }
    wait_.reset(new (std::nothrow) MaskedWait{*mask, thread_state.current, nullptr, for_handler});
    if (wait_ != nullptr) thread_state.scheduler->begin_masked_wait(*wait_);
  }
  ~MaskedWaitScope() {
    if (thread_ != nullptr) {
      const SignalBits own = thread_->signals.mask;
      signal_masks::set_wait_mask(*thread_, own);
      // Lets in what the call has kept away.
      signal_delivery::set_mask(*thread_, own);
    }
    if (wait_ != nullptr) thread_state.scheduler->end_masked_wait(*wait_);
  }
  MaskedWaitScope(const MaskedWaitScope&) = delete;
  MaskedWaitScope& operator=(const MaskedWaitScope&) = delete;

 private:
  EmulatedThread* thread_ = nullptr;
  std::unique_ptr<MaskedWait> wait_;  // in the heap, since it outlives switches
};

/// The part of waiting_call that waits. What it keeps is copied with a shared stack: so little.
template <class Look, class Wait, class Closed>
[[gnu::always_inline]] inline int look_until_ready(WaitLimits limits, Look look, Wait wait,
                                                   Closed closed) {
  for (;;) {
    const WakeReason reason = wait(limits);
    if (reason != WakeReason::kFired && reason != WakeReason::kTimeout &&
        reason != WakeReason::kClosed) {
      return fail_with_errno(error_of(reason));
    }
    const int ready = look(nullptr);
    if (ready != 0 || reason == WakeReason::kTimeout) return ready;
    if (reason == WakeReason::kClosed) {
      const int result = closed();
      if (result != 0) return result;
    }
  }
}

template <class Look, class Wait, class Closed>
[[gnu::noinline]] int look_until_ready_masked(const sigset_t* mask, WaitLimits limits, Look look,
                                              Wait wait, Closed closed) {
  const MaskedWaitScope masked(mask);
  return look_until_ready(limits, look, wait, closed);
}

/// `look(mask)` asks the kernel once without waiting, under the mask if there is one;
/// `wait(limits)` parks until it should look again; `closed()` is the result if something was
/// closed meanwhile and the kernel has nothing to say. Capture by value what is not written to.
template <class Look, class Wait, class Closed>
[[gnu::always_inline]] inline int waiting_call(Patience patience, Look look, Wait wait,
                                               Closed closed) {
  const KeptErrno kept;
  if (!may_begin()) return -1;
  const int ready = look(patience.mask);
  // A signal that was held back until now has interrupted this call, and is to interrupt no other.
  if (ready < 0 && errno == EINTR) thread_state.scheduler->forget_interrupt();
  if (ready == 0 && patience.mask != nullptr && signal_delivery::let_in(*patience.mask)) {
    return fail_with_errno(EINTR);
  }
  if (ready != 0 || patience.at_once) return static_cast<int>(kept(ready));
  const WaitLimits limits{
      .deadline = patience.deadline, .interruptible = true, .never_restarts = true};
  return static_cast<int>(
      kept(patience.mask == nullptr
               ? look_until_ready(limits, look, wait, closed)
               : look_until_ready_masked(patience.mask, limits, look, wait, closed)));
}

}  // namespace colibri
