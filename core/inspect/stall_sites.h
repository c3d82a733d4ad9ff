// Where slices were too long, how often, and whether that is still worth a line in the log.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "colibri/core/small_lock.h"

namespace colibri {

/// One place in the program whose slices were too long.
struct StallSite {
  std::string place;  // "computing: parse in server", "read: load_config in libconfig.so"
  std::uint64_t count = 0;
};

/// Any thread.
class StallSites {
 public:
  /// Sites that are kept apart; stalls at others are only counted.
  static constexpr std::size_t kMostSites = 1024;

  /// Whether a stall was counted there before.
  bool knows(std::uint64_t key) const noexcept;

  /// Counts a stall at the site with this key, whose `place` is asked for once: when the site is
  /// not known yet. True if it is to be reported: none of this site has been, and not too many of
  /// all sites within the last minute (`now` in nanoseconds). Throws std::bad_alloc.
  bool count(std::uint64_t key, std::string_view place, std::int64_t now,
             unsigned reports_per_minute);

  /// Counts a stall whose place could not be found out.
  void count_unknown() noexcept;

  /// Those with most stalls first, and behind them, as "elsewhere", what belongs to none. Throws
  /// std::bad_alloc.
  std::vector<StallSite> list() const;

  void clear() noexcept;

  /// Around a fork, on the thread that makes it: the child finds nothing half changed.
  void lock() noexcept { lock_.lock(); }
  void unlock() noexcept { lock_.unlock(); }

 private:
  struct Site {
    StallSite site;
    bool reported;
  };

  bool may_report(std::int64_t now, unsigned reports_per_minute) noexcept;

  mutable SmallLock lock_;  // over all that follows
  std::map<std::uint64_t, Site> sites_;
  std::uint64_t unknown_ = 0;
  std::int64_t minute_ends_ = 0;
  unsigned reports_ = 0;  // within it
};

}  // namespace colibri
