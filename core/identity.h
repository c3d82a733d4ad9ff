// What coroutines are told of themselves beyond their spawn site: names, and who spawned them.
#pragma once

#include <atomic>
#include <string_view>

#include "colibri/core/control_block.h"

namespace colibri {

/// Names the running coroutine, for people who look inside; a copy. No effect outside coroutines.
/// Throws std::bad_alloc; the name is the old one then.
void set_name(std::string_view name);
/// The same of another one of the thread's.
void set_name(ControlBlock& coroutine, std::string_view name);

/// Whether coroutines that are spawned from now on note who spawned them; every thread. Each then
/// takes some 230 bytes more, which those that wait at locks and channels have in any case; so it
/// is off until somebody asks for it.
void note_parents(bool on) noexcept;

/// For core: whether to call note_parent.
extern constinit std::atomic<bool> parents_are_noted;

/// For core: notes in `child`, a fresh one, that the running coroutine made it. Without memory for
/// that, it stays unknown.
void note_parent(ControlBlock& child) noexcept;

/// For core: gives back the name that `coroutine` was given. No effect the second time.
void forget_name(ControlBlock& coroutine) noexcept;

}  // namespace colibri
