// What lies below a stack: pages that fault when they are touched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace colibri {

/// How the low end of stacks is protected.
enum class GuardKind : std::uint8_t {
  kMarkers,   // MADV_GUARD_INSTALL (Linux 6.13 and later): takes no mapping
  kMprotect,  // two mappings a stack: the guard, and what it cuts off
};

/// Four pages: a frame that was not compiled with -fstack-clash-protection and skips one page of
/// its locals still meets the guard.
inline constexpr std::size_t kGuardBytes = 4 * 4096;

/// Fixes the kind for slabs made from now on, in every thread; nothing lets the system decide:
/// markers, and mprotect in slabs where the kernel refuses them. The environment's
/// COLIBRI_STACK_GUARD ("markers" or "mprotect") decides where this was not called.
void force_guard_kind(std::optional<GuardKind> kind) noexcept;

/// The kind to try first for a new slab.
GuardKind preferred_guard_kind() noexcept;

/// Guards kGuardBytes from `low`. `kind` says how; where the kernel refuses markers (memory that
/// mlockall has locked) and nobody insists on them, it becomes kMprotect. Throws std::system_error
/// that names the limit in the way; nothing has changed then.
void install_guard(std::byte* low, GuardKind& kind);

/// `count` guards of kMprotect were unmapped.
void forget_guards(std::size_t count) noexcept;

}  // namespace colibri
