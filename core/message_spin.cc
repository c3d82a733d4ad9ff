#include "colibri/core/message_spin.h"

#include <sched.h>

#include <algorithm>

#include "colibri/core/clock.h"
#include "colibri/core/context.h"

namespace colibri {
namespace {

constexpr std::int64_t kLongestNanoseconds = 20'000;
constexpr int kLooksBetweenClocks = 32;

/// Alone on a processor, who looks out keeps away whom it looks out for. Asked before threads are
/// pinned, since each of those has one processor of several.
const bool kSeveralProcessors = [] {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) != 0 || CPU_COUNT(&set) > 1;
}();

}  // namespace

bool MessageSpin::look_out(const Inbox& inbox, std::int64_t sleep) noexcept {
  if (!kSeveralProcessors) return false;
  const std::int64_t longest =
      sleep < 0 ? kLongestNanoseconds : std::min(sleep, kLongestNanoseconds);
  const std::int64_t end = monotonic_now() + longest;
  do {
    for (int i = 0; i < kLooksBetweenClocks; ++i) {
      if (inbox.has_messages()) return note_found();
      pause_processor();
    }
  } while (monotonic_now() < end);
  found_ = 0;
  sleeps_ = 0;
  needed_ = std::min(2 * needed_, kMostSleeps);
  return false;
}

bool MessageSpin::note_found() noexcept {
  needed_ = kFewestSleeps;
  if (++found_ < kMostInARow) return true;
  found_ = 0;
  return false;
}

}  // namespace colibri
