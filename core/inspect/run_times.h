// How long each coroutine runs, while somebody wants to know.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "colibri/core/scheduler_watch.h"
#include "colibri/core/spawn_site.h"

namespace colibri {

/// One coroutine, since the measurement began.
struct RunTime {
  std::uint64_t id = 0;  // 0: all those together for which there was no room
  OriginIndex origin = 0;
  std::uint64_t slices = 0;
  std::chrono::nanoseconds time{0};
};

/// From now on every scheduler measures its coroutines, those that begin later, too; `inspect`
/// tells of it. A switch takes tens of nanoseconds more meanwhile. `on` false: no longer, and what
/// was measured is forgotten. Schedulers for which there is no memory are left out. Any thread. So
/// does COLIBRI_RUN_TIMES=1.
void note_run_times(bool on) noexcept;

/// Whether those that have ended stay in the list.
enum class KeepEnded : bool { kNo, kYes };

/// Measures the scheduler of one thread: every switch goes the slow way and reads the clock
/// meanwhile. Made, used and destroyed on that thread, outside coroutines. It must be removed, by
/// its destructor, before the scheduler ends.
class RunTimes final : public SchedulerWatch {
 public:
  /// Begins; room for `coroutines` of them. Throws std::bad_alloc.
  explicit RunTimes(KeepEnded keep_ended = KeepEnded::kYes, std::size_t coroutines = 16384);
  ~RunTimes();
  RunTimes(const RunTimes&) = delete;
  RunTimes& operator=(const RunTimes&) = delete;

  /// What the calling thread's scheduler measures of this coroutine, its present slice not
  /// included; nothing while it measures none, or if there was no room for this one.
  static std::optional<RunTime> of(std::uint64_t id) noexcept;

  /// Those that have run, who ran longest first. Throws std::bad_alloc.
  std::vector<RunTime> longest_first() const;

 private:
  void leaves(const ControlBlock& coroutine) noexcept override;
  void ends(const ControlBlock& coroutine) noexcept override;
  void leaves_loop() noexcept override;
  void retire() noexcept override;
  void leave() noexcept;

  void note_slice(const ControlBlock& coroutine) noexcept;
  RunTime& place_of(std::uint64_t id) noexcept;
  std::size_t home_of(std::uint64_t id) const noexcept;
  std::size_t find(std::uint64_t id) const noexcept;
  void erase(std::uint64_t id) noexcept;

  // Open addressing, by id; never more than half full. Made before anything is measured: there is
  // neither much stack nor a good time to ask for memory in a switch.
  std::vector<RunTime> table_;
  std::size_t used_ = 0;
  RunTime others_;
  std::int64_t slice_began_;
  const KeepEnded keep_ended_;
  RunTimes* next_;  // of the same thread
};

}  // namespace colibri
