// Signal masks of threads that are coroutines, each its own.
//
// The kernel knows one mask, that of the scheduler's thread. As long as all threads have the same,
// it is that one, and nobody looks. Otherwise whoever runs has his put in force at the switch; and
// while the loop looks for events, what all of them keep away is kept away, so that whatever one
// lets in is let in at once.
//
// A handler that the kernel calls meanwhile runs on behalf of a thread that lets its signal in; see
// signal_delivery.h.
#pragma once

#include "colibri/hook/threads/emulated_thread.h"

namespace colibri::signal_masks {

// All are about the calling scheduler's thread. None but set_in_force may be called by a handler.

/// `main`, the running coroutine, has the kernel's mask.
void begin(EmulatedThread& main) noexcept;

/// `thread`, a new one, keeps `mask` away.
void give(EmulatedThread& thread, SignalBits mask) noexcept;

/// `thread` ends, or never began.
void take_away(EmulatedThread& thread) noexcept;

/// In the child of a fork: `self`, which has forked, is alone; null: nobody is there.
void keep_in_child(EmulatedThread* self) noexcept;

/// From now on `self`, which runs, keeps `mask` away. What is pending for the kernel's thread and
/// is let in has been handled by the return.
void set(EmulatedThread& self, SignalBits mask) noexcept;

/// The kernel is about to be told the same by libc itself.
void note(EmulatedThread& self, SignalBits mask) noexcept;

/// While `self` waits, it keeps `mask` away; once it is the one that it has always, that is over.
void set_wait_mask(EmulatedThread& self, SignalBits mask) noexcept;

/// The kernel's mask, from now to the next switch. Returns the one before. Keeps errno.
SignalBits set_in_force(SignalBits mask) noexcept;

/// True while the loop looks for events with handlers of all threads let in.
bool loop_looks() noexcept;

/// True while a switch puts the mask of its goal in force, on whatever stack.
bool is_switching() noexcept;

}  // namespace colibri::signal_masks
