// The watchdog: reports coroutines that keep their scheduler from running others.
//
// Coroutines take turns only where they park or yield. One that computes for long, that blocks in a
// call past the hooks, or that waits for a lock which another coroutine of its thread holds, keeps
// all others of the thread waiting, and nothing shows it but their delay. A thread of the
// watchdog's looks at all schedulers a few times within the limit. A slice that goes on for longer
// is reported, once a site, as a warning in the log: which coroutine, in which function of which
// library, what it does there (computes, sits in which system call on what, waits for which lock
// and who holds it), and its stack.
//
// Nothing is added to what schedulers do: the watchdog reads how far their run queues have moved.
// Time that a thread did not get a processor for does not count.
#pragma once

#include <chrono>
#include <string_view>
#include <vector>

#include "colibri/core/inspect/stall_sites.h"

namespace colibri {

struct WatchdogOptions {
  /// How long a coroutine may run without letting others run. Slices that are longer by half are
  /// seen for certain; shorter ones never. At least a millisecond.
  std::chrono::nanoseconds limit = std::chrono::milliseconds(10);
  /// Further sites are reported when they stall again later.
  unsigned reports_per_minute = 10;

  /// "10ms", "1500us", "2s": the limit. Throws std::invalid_argument, quoting it, for another text.
  static WatchdogOptions parse(std::string_view text);
};

/// From now on all schedulers of the process are watched, those that run and later ones. If they
/// are already, only the options change. Programs need not call it: with the environment variable
/// COLIBRI_WATCHDOG set ("10ms") it is called when the first scheduler begins. Any thread or
/// coroutine. Throws std::invalid_argument for a limit below a millisecond, std::system_error when
/// the system gives no thread.
///
/// The child of a fork is not watched until its next scheduler begins or this is called there.
void start_watchdog(const WatchdogOptions& options = {});

/// Ends the watching; returns when the watchdog's thread has ended. Any thread; in a coroutine, its
/// thread waits. Counts are kept until the next start.
void stop_watchdog() noexcept;

/// Where slices were too long since the last start, most often first. Any thread or coroutine.
/// Throws std::bad_alloc.
std::vector<StallSite> stall_sites();

}  // namespace colibri
