// The hooks' public face. Linking //hook is all that is needed: from then on the libc functions
// listed in docs/hooks.md park the calling coroutine where they would block its thread.
#pragma once

#include <pthread.h>

#include "colibri/core/bypass.h"

namespace colibri {

/// A scope in which hooked calls of the current coroutine go straight to libc and block the thread,
/// and so do locks (see bypass.h for those of other coroutines):
/// for code that must not be interleaved with other coroutines.
///
///   { colibri::HookBypass bypass;  legacy_call_that_must_not_yield(); }
using HookBypass = Bypass;

namespace hook {

// Whose are the values that pthread_setspecific sets? docs/hooks.md has the rules by which that is
// decided; these two say it. To be called after the key was made and before a value is set: what
// was set already is no longer seen on the other side, though its destructor is called in the end.
// Return false for what is no key, or was made where the hooks do not reach. Any thread.

/// The thread's: all its coroutines see the same value, and it lives until the thread ends.
bool keep_key_in_thread(pthread_key_t key) noexcept;

/// Each coroutine's own, as if it were a thread, although the executable made the key before the
/// first coroutine, or the values are addresses of thread_local variables.
bool give_key_to_coroutines(pthread_key_t key) noexcept;

}  // namespace hook
}  // namespace colibri
