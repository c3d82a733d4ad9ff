#include "colibri/core/task.h"

#include <cstddef>
#include <type_traits>

#include "colibri/core/unpark.h"

namespace colibri {
namespace {

/// Neither the joiner nor anybody who resumed it can end before the join is over.
void check_end_can_come(const ControlBlock& joiner, const ControlBlock& joined) noexcept {
  check(&joiner != &joined, "a coroutine joined itself: it would wait for ever");
  for (const ControlBlock* each = joiner.resumer_or_null(); each != nullptr;
       each = each->resumer_or_null()) {
    check(each != &joined,
          "a coroutine joined the one that resumed it, whose end is behind its own: it would wait "
          "for ever");
  }
}

}  // namespace

WakeReason TaskStateBase::wait(Deadline deadline, bool may_fail) noexcept {
  WakeReason reason = WakeReason::kFired;
  while (!ended() && reason == WakeReason::kFired) {
    check(can_park(), "a Task was joined or destroyed outside a coroutine while it still runs");
    ControlBlock& self = *thread_state.current;
    check_end_can_come(self, *coroutine);
    check(joiners.empty(), "two coroutines join one Task at the same time; only one may");
    joiners.push_back(self);
    reason = thread_state.scheduler->park(
        {.deadline = deadline, .kind = WaitKind::kJoin, .may_fail = may_fail});
    withdraw(self);
  }
  return ended() ? WakeReason::kFired : reason;
}

void TaskStateBase::finish() noexcept {
  // Before the joiner hears of the end: these may run for long, and belong to it.
  destroy_own_values(*thread_state.current);
  coroutine = nullptr;
  unpark_all(joiners, WakeReason::kFired);
}

const ControlBlock* TaskStateBase::joined_by(const ControlBlock& joiner) noexcept {
  static_assert(std::is_standard_layout_v<TaskStateBase>);
  // A task has one joiner at most, so that its neighbour in the ring is the list itself.
  const auto list = reinterpret_cast<std::uintptr_t>(joiner.next);
  return reinterpret_cast<const TaskStateBase*>(list - offsetof(TaskStateBase, joiners))->coroutine;
}

void refuse_without_result() {
  throw std::system_error(std::make_error_code(std::errc::owner_dead),
                          "Task::join: the coroutine called pthread_exit and has no result");
}

}  // namespace colibri
