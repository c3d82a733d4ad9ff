// Waiting for child processes without blocking the thread.
//
// An exit makes the child's pidfd readable, so the event loop can wait for it. Nothing of the kind
// tells that any child of several has changed, or that one has stopped; then a helper thread asks
// waitid, with WNOWAIT, so that it takes nothing away. Either way the coroutine makes the real call
// itself, with WNOHANG.
//
// A child that is traced stops for its tracer, who is told of that by a wait for its exit, too. No
// event tells, and whether a child will be traced nobody knows: so a wait by a pidfd looks again,
// in pauses that grow.
#pragma once

#include <sys/wait.h>

#include "colibri/hook/blocking_call.h"

namespace colibri {

/// What waitid waits for.
struct ChildQuestion {
  /// As wait4 takes them.
  static ChildQuestion of_wait(pid_t process, int options) noexcept;

  idtype_t kind = P_ALL;
  id_t id = 0;
  int options = WEXITED;

  bool operator==(const ChildQuestion&) const = default;
};

/// Parks until the answer to `question` may have changed. kFired is a hint; other reasons say how
/// the wait ended. `pause` is that of the whole wait. Without memory or descriptors it looks every
/// 10 ms. In a coroutine.
WakeReason wait_for_child(const ChildQuestion& question, bool interruptible,
                          GrowingPause& pause) noexcept;

/// `attempt()` makes the call with WNOHANG: 0 while there is nothing to report. Its result; or -1
/// with errno ETIMEDOUT, ECANCELED or EINTR when the wait ended early.
template <class Attempt>
pid_t wait_until_reported(const ChildQuestion& question, bool interruptible, Attempt attempt) {
  const KeptErrno kept;
  GrowingPause pause(std::chrono::milliseconds(1), std::chrono::seconds(1));
  for (;;) {
    const pid_t result = attempt();
    if (result != 0) return static_cast<pid_t>(kept(result));
    const WakeReason reason = wait_for_child(question, interruptible, pause);
    if (reason == WakeReason::kFired) continue;
    // As in the kernel: what there is to report comes before the signal that tells of it.
    const pid_t at_last = attempt();
    if (at_last != 0) return static_cast<pid_t>(kept(at_last));
    return fail_with_errno(error_of(reason));
  }
}

}  // namespace colibri
