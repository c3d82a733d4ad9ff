// For tests of both kinds of stack guards.
#pragma once

#include <optional>
#include <system_error>

#include "colibri/core/stack.h"
#include "colibri/core/stack_guard.h"

namespace colibri {

/// While it lives, stacks are guarded so.
class ForcedGuard {
 public:
  explicit ForcedGuard(GuardKind kind) { force_guard_kind(kind); }
  ~ForcedGuard() { force_guard_kind(std::nullopt); }
};

/// Whether the kernel has guard markers.
inline bool markers_work() {
  const ForcedGuard forced(GuardKind::kMarkers);
  try {
    StackPool pool;
    pool.release(pool.acquire(kDefaultStackBytes));
  } catch (const std::system_error&) {
    return false;
  }
  return true;
}

}  // namespace colibri
