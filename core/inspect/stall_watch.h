// Looks at all schedulers of the process, and finds those that one slice keeps for too long.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "colibri/core/inspect/kernel_state.h"
#include "colibri/core/inspect/slice_judge.h"
#include "colibri/core/inspect/stall_report.h"
#include "colibri/core/inspect/stall_sample.h"
#include "colibri/core/inspect/stall_sites.h"
#include "colibri/core/scheduler_list.h"
#include "colibri/core/small_lock.h"

namespace colibri {

/// The watchdog's work, without its thread. One thread at a time, outside coroutines; but for what
/// is said of forks.
class StallWatch {
 public:
  /// Looks within the limit.
  static constexpr std::int64_t kLooksWithinLimit = 4;

  explicit StallWatch(StallSites& sites) noexcept : sites_(sites) {}

  /// Forgets what it saw. The limit in nanoseconds.
  void begin(std::int64_t limit, unsigned reports_per_minute) noexcept;
  /// To be called every `limit / kLooksWithinLimit`. Logs what it finds, and counts it. Throws
  /// std::bad_alloc, and std::system_error where descriptors are short.
  void look();
  /// Lets go of the descriptors.
  void end() noexcept { forget_ended({}); }

  /// Around a fork, on the thread that makes it: the child finds nothing half changed.
  void lock() noexcept { lock_.lock(); }
  void unlock() noexcept { lock_.unlock(); }

 private:
  /// What is seen of a scheduler in passing.
  struct Glance {
    ListedScheduler scheduler;
    std::size_t position = 0;
    bool asleep = false;
  };

  /// What is remembered of it from look to look.
  struct Watched {
    Watched(const ListedScheduler& scheduler, std::int64_t limit)
        : number(scheduler.number),
          files(scheduler.thread),
          judge(limit, limit / kLooksWithinLimit) {}

    std::uint64_t number;
    ThreadFiles files;
    SliceJudge judge;
  };

  std::vector<Glance> glance() const;
  Watched& watched_of(const ListedScheduler& scheduler);
  void forget_ended(const std::vector<Glance>& present) noexcept;
  void examine(Watched& watched, const Glance& glance);
  SampleResult take_sample(const Watched& watched, const Glance& glance, Stall& stall, char state);
  SampleResult look_from_outside(const Watched& watched, const Glance& glance,
                                 const SystemCall& call);
  void count_and_report(const Stall& stall);

  StallSites& sites_;
  std::int64_t limit_ = 0;
  unsigned reports_per_minute_ = 0;
  SmallLock lock_;  // while the list below changes, or the log is being written
  std::vector<std::unique_ptr<Watched>> watched_;
  StallSample sample_;
};

}  // namespace colibri
