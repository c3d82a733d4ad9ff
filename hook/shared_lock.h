// Locks of libc's in a coroutine: what several processes share, and what the kernel must know the
// owner of. The owner has to be this thread, so no helper thread can wait for it.
#pragma once

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "colibri/hook/blocking_call.h"
#include "colibri/hook/point_in_time.h"

namespace colibri {

/// Calls `attempt()`, which returns 0, EBUSY to be tried again or another error, in pauses that
/// grow from 1 ms to 50 ms. The error, or 0; ETIMEDOUT when `until` is over. With `may_fail`, a
/// TimeLimit and cancel end it, too: ETIMEDOUT, ECANCELED. Keeps errno. In a coroutine that may
/// park.
template <class Attempt>
int try_in_pauses_until(Attempt attempt, const PointInTime& until, bool may_fail) {
  const int saved_errno = errno;
  constexpr std::chrono::milliseconds kLongest(50);
  for (std::chrono::milliseconds pause(1);; pause = std::min(2 * pause, kLongest)) {
    const int result = attempt();
    errno = saved_errno;
    if (result != EBUSY) return result;
    if (!until.is_valid()) return EINVAL;
    if (until.has_passed()) return ETIMEDOUT;
    const Deadline deadline = std::min(until.deadline(), Deadline::after(pause));
    const WakeReason reason =
        thread_state.scheduler->park({.deadline = deadline, .may_fail = may_fail});
    errno = saved_errno;
    // Nothing was waited for: the owner may be another coroutine of this thread.
    if (reason == WakeReason::kOutOfMemory) thread_state.scheduler->yield_to_loop();
    if (may_fail && reason != WakeReason::kTimeout) return error_of(reason, ETIMEDOUT);
  }
}

}  // namespace colibri
