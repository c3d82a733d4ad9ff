// Looking on while a scheduler works. Costs nothing while nobody does: a thread that is watched has
// every switch go the slow way (see ThreadState::exceptions), which tells of it; the loop asks once
// a turn, and each coroutine at its end.
#pragma once

#include <cstddef>
#include <cstdint>

#include "colibri/core/thread_state.h"

namespace colibri {

/// Told of each step of one scheduler, on its thread, in the midst of it: on whatever stack, so
/// with little of it, never waiting and switching to nobody. errno is to be kept.
class SchedulerWatch {
 public:
  /// `coroutine` parks, yields or ends its part of a resume; its state says which. Who comes next
  /// has been taken out of the run queue.
  virtual void leaves(const ControlBlock& /*coroutine*/) noexcept {}
  /// `coroutine` is in its last acts.
  virtual void ends(const ControlBlock& /*coroutine*/) noexcept {}
  /// The one that was told of by `ends` has been left for the thread's current coroutine.
  virtual void leaves_ended() noexcept {}
  /// The loop goes on to the next coroutine.
  virtual void leaves_loop() noexcept {}
  /// So many bytes of a shared stack were copied out.
  virtual void copies_out(std::size_t /*bytes*/) noexcept {}
  /// The loop looks for events, and may sleep so long: nanoseconds; negative: for ever.
  virtual void before_look(std::int64_t /*timeout*/) noexcept {}
  /// Events and messages have made ready whom they concern. `due`: when the loop was to look at its
  /// timers, in nanoseconds of the monotonic clock; TimerQueue::kNever: there are none.
  virtual void after_look(std::int64_t /*due*/) noexcept {}
  /// The scheduler ends: this is the last call.
  virtual void retire() noexcept {}

  SchedulerWatch* next_watch = nullptr;  // the thread's

 protected:
  ~SchedulerWatch() = default;
};

/// Tells all who watch the calling thread.
template <class... Parameters, class... Arguments>
void tell_watches(void (SchedulerWatch::*what)(Parameters...) noexcept,
                  const Arguments&... arguments) noexcept {
  for (SchedulerWatch* each = thread_state.watch; each != nullptr; each = each->next_watch) {
    (each->*what)(arguments...);
  }
}

/// Has `call` called on the thread of every scheduler there is: outside coroutines, when its loop
/// next looks at messages; on the calling thread at once. Those for which there is no memory are
/// left out. Any thread.
void call_on_each_scheduler(void (*call)() noexcept) noexcept;

}  // namespace colibri
