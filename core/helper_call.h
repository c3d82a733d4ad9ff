// Calls that helper threads make for coroutines, which may stop waiting for them: for a deadline, a
// cancellation or a signal. A call that is given up goes on, and its helper clears away what comes
// of it.
//
// A call lies in the heap, with copies of its arguments and room for its results: nothing of it is
// on the coroutine's stack, which may be another's while it is parked.
#pragma once

#include <memory>
#include <span>

#include "colibri/core/biased_lock.h"
#include "colibri/core/offload.h"
#include "colibri/core/waited_thing.h"
#include "colibri/core/waiter.h"

namespace colibri {

class HelperCall {
 public:
  HelperCall() noexcept = default;
  virtual ~HelperCall();
  HelperCall(const HelperCall&) = delete;
  HelperCall& operator=(const HelperCall&) = delete;

  /// Makes the call and keeps its results. On the helper thread.
  virtual void run() noexcept = 0;
  /// After run(), if those who waited for it have given up: releases a lock, closes a descriptor,
  /// frees memory that the call has got. On the helper thread.
  virtual void discard() noexcept {}

  /// What it is, for people who look inside: "getaddrinfo example". While somebody waits for it;
  /// any thread. Without effect, it is just a call.
  virtual void describe(std::span<char> /*text*/) const noexcept {}

  /// Waits for a call that begin_on_helper or run_on_helper has begun, also together with others,
  /// and also one that has been given up and is not done yet: it is no longer given up then.
  /// Results as there. In a coroutine.
  WakeReason wait(const WaitTerms& terms) noexcept;
  bool is_done() noexcept;

 private:
  friend class HelperCallJob;
  friend void begin_on_helper(const std::shared_ptr<HelperCall>& call, HelperSet set) noexcept;
  void finish() noexcept;

  struct Waiting {
    explicit Waiting(const HelperCall* of) noexcept : call(of) {}
    static void look(BiasedLock& lock, WaitFacts& facts) noexcept;
    static constexpr WaitedThing kThing{"call on a helper thread", "", &look, false};
    BiasedLock lock;  // the first member: see WaitedThing
    WaitQueue queue{kThing};
    const HelperCall* call;
  };

  Waiting waiting_{this};
  bool done_ = false;
  bool given_up_ = false;  // by the last of those who waited
};

/// Has a helper of `set` run `call`, once for each call; somebody must wait for it. If no thread
/// can be had, the calling one has run it when this returns.
void begin_on_helper(const std::shared_ptr<HelperCall>& call, HelperSet set) noexcept;

/// The same, and waits until the helper has run it: kFired. Any other reason says that the
/// terms were not met: then the call's results belong to its helper. If no thread can be had, the
/// calling one runs it. In a coroutine, once for each call.
WakeReason run_on_helper(const std::shared_ptr<HelperCall>& call, HelperSet set,
                         const WaitTerms& terms) noexcept;

}  // namespace colibri
