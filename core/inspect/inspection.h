// A walk over all coroutines of a scheduler, in slices, while they go on living.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "colibri/core/inspect/suspended.h"
#include "colibri/core/scheduler.h"

namespace colibri {

/// Visits every coroutine of the calling thread's scheduler that was alive when it began and still
/// is when its turn comes, once; those that start meanwhile are not visited. Then those of the
/// thread that are suspended by hand (suspended.h). Between two steps anything may happen to them.
/// Its methods belong to that scheduler's thread.
class Inspection {
 public:
  /// Ends the process with a sentence on a thread without a scheduler. Throws std::bad_alloc.
  Inspection();
  ~Inspection();
  Inspection(const Inspection&) = delete;
  Inspection& operator=(const Inspection&) = delete;

  /// Calls `visit(coroutine)` for up to `most` of them, newest first; `visit` must neither park nor
  /// start nor end coroutines. True if some may be left. What `visit` throws is passed on; that
  /// coroutine counts as visited.
  template <class Visit>
  bool step(std::size_t most, Visit visit) {
    for (; most > 0 && cursor_->next != nullptr; --most) {
      const ControlBlock& coroutine = *cursor_->next;
      cursor_->next = coroutine.next_alive;
      visit(coroutine);
    }
    if (cursor_->next != nullptr) return true;
    std::size_t looks = most > kAll / kLooksPerVisit ? kAll : most * kLooksPerVisit;
    while (most-- > 0) {
      const ControlBlock* coroutine = suspended_.next(looks);
      if (coroutine == nullptr) return looks == 0;
      visit(*coroutine);
    }
    return true;
  }

  /// Lets others run, events and timers included, if the caller is a coroutine that can park.
  static void give_way() noexcept;

  /// The coroutine of this scheduler with that id, or the one that has resumed it by hand, or one
  /// of the thread that is suspended by hand; null if there is none, as for 0. Looks at all.
  static const ControlBlock* find(std::uint64_t id) noexcept;

 private:
  static constexpr std::size_t kAll = static_cast<std::size_t>(-1);
  // A stack that nobody is suspended on is looked at in much less time than a coroutine is.
  static constexpr std::size_t kLooksPerVisit = 16;

  Scheduler& scheduler_;
  const std::unique_ptr<AliveCursor> cursor_;
  SuspendedByHand suspended_;
};

}  // namespace colibri
