// Signals that a call of a thread that is a coroutine keeps away from it.
#pragma once

#include "colibri/hook/threads/signal_delivery.h"

namespace colibri {

/// While it lives, the running coroutine, a thread, keeps `more` away, too. No effect for others.
class [[nodiscard]] BlockedInThread {
 public:
  explicit BlockedInThread(SignalBits more) noexcept
      : thread_(EmulatedThread::current()),
        before_(thread_ != nullptr ? thread_->signals.mask : SignalBits{0}) {
    if (thread_ != nullptr) signal_delivery::set_mask(*thread_, before_ | more);
  }
  ~BlockedInThread() {
    if (thread_ != nullptr) signal_delivery::set_mask(*thread_, before_);
  }
  BlockedInThread(const BlockedInThread&) = delete;
  BlockedInThread& operator=(const BlockedInThread&) = delete;

  /// Null: it has no effect.
  EmulatedThread* thread() const noexcept { return thread_; }
  /// What was kept away before.
  SignalBits before() const noexcept { return before_; }

 private:
  EmulatedThread* const thread_;
  const SignalBits before_;
};

}  // namespace colibri
