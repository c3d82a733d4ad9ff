// What select needs to know of the things that it waits for.
//
// A select tries its cases under the locks of all of them at once; if none can go ahead, each joins
// a queue before the locks are released. So nobody can come between the try and the wait, and the
// first to come claims the whole select, through its Waiter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "colibri/core/channel_state.h"

namespace colibri {

/// Returned by select when no case can ever go ahead: all their channels are closed.
inline constexpr std::size_t kNothingSelected = static_cast<std::size_t>(-1);

/// One alternative of a select. Lies on the selecting coroutine's stack and is touched by it alone;
/// what others touch while it is parked lies in the heap.
class SelectCase {
 public:
  virtual ~SelectCase() = default;

  /// Guards what the other methods named …_locked touch; null if there is nothing.
  virtual BiasedLock* lock() noexcept { return nullptr; }

  /// Goes ahead if that needs no wait. kClosed: it never will, and is left out from now on.
  virtual Transfer try_locked(WaitPlace*& /*to_wake*/) noexcept { return Transfer::kMustWait; }
  /// Gets ready to join_locked. Strong guarantee; may throw std::bad_alloc.
  virtual void prepare_locked(Waiter& /*waiter*/, std::uint32_t /*index*/) {}
  virtual void join_locked() noexcept {}
  /// Undoes prepare and join; `won`: this case has been claimed. kDone: it has gone ahead.
  virtual Transfer leave_locked(bool /*won*/) noexcept { return Transfer::kMustWait; }

  /// When the wait is to end in favour of this case.
  virtual Deadline deadline() const noexcept { return Deadline::never(); }
  /// True for the one that goes ahead when no other can at once.
  virtual bool is_default() const noexcept { return false; }
  /// Can go ahead only with the help of others.
  virtual bool needs_others() const noexcept { return true; }

  /// Tells the user, after all locks are released.
  virtual void run() = 0;

  bool left_out = false;  // its channel is closed
};

/// Waits until one of `cases` can go ahead, runs it and returns its index; fair if several can.
/// Errors as Channel::receive, and what the case's function throws. `lock_storage` lends room for a
/// pointer a case.
std::size_t select_among(std::span<SelectCase* const> cases, BiasedLock** lock_storage);

/// For runs that are to be repeatable: what the calling thread's selects are fair by, from now on,
/// follows from `seed`.
void seed_select(std::uint32_t seed) noexcept;

}  // namespace colibri
