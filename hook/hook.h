// The hooks' public face. Linking //hook is all that is needed: from then on the libc functions
// listed in docs/hooks.md park the calling coroutine where they would block its thread.
#pragma once

#include "colibri/core/bypass.h"

namespace colibri {

/// A scope in which hooked calls of the current coroutine go straight to libc and block the thread,
/// and so do locks (see bypass.h for those of other coroutines):
/// for code that must not be interleaved with other coroutines.
///
///   { colibri::HookBypass bypass;  legacy_call_that_must_not_yield(); }
using HookBypass = Bypass;

}  // namespace colibri
