// Looking on while a scheduler works. Costs nothing while nobody does: a thread that is watched has
// every switch go the slow way (see ThreadState::exceptions), which tells of it; the loop asks once
// a turn.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace colibri {

struct ControlBlock;

/// Told of each step of one scheduler, on its thread, in the midst of it: on whatever stack, so
/// with little of it, never waiting and switching to nobody. errno is to be kept.
class SchedulerWatch {
 public:
  /// `coroutine` parks, yields or ends its part of a resume; its state says which. Who comes next
  /// has been taken out of the run queue.
  virtual void leaves(const ControlBlock& coroutine) noexcept = 0;
  /// The running coroutine has ended, and is forgotten.
  virtual void ends() noexcept = 0;
  /// The loop goes on to the next coroutine.
  virtual void leaves_loop() noexcept = 0;
  /// So many bytes of a shared stack were copied out.
  virtual void copies_out(std::size_t bytes) noexcept = 0;
  /// The loop looks for events, and may sleep so long: nanoseconds; negative: for ever.
  virtual void before_look(std::int64_t timeout) noexcept = 0;
  /// Events and messages have made ready whom they concern. `due`: when the loop was to look at its
  /// timers, in nanoseconds of the monotonic clock; TimerQueue::kNever: there are none.
  virtual void after_look(std::int64_t due) noexcept = 0;
  /// The scheduler ends, or watches no more: this is the last call.
  virtual void retire() noexcept = 0;

 protected:
  ~SchedulerWatch() = default;
};

/// Makes a watch for the calling thread's scheduler, which has just begun; null: nobody watches.
using SchedulerWatchMaker = SchedulerWatch* (*)() noexcept;

/// Schedulers that begin from now on are watched by what `make` gives them, and those that run
/// already from their next turn on. Null: no more new ones. Any thread. Throws std::bad_alloc.
void watch_schedulers(SchedulerWatchMaker make);

/// For core: what watch_schedulers was last given.
extern constinit std::atomic<SchedulerWatchMaker> scheduler_watch_maker;

}  // namespace colibri
