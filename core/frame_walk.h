// Walking up a stack with libunwind, from wherever its cursor begins. For the few files that
// include libunwind.h.
#pragma once

#define UNW_LOCAL_ONLY
#include <libunwind.h>

#include "colibri/core/backtrace.h"
#include "colibri/core/context.h"

namespace colibri {

/// The frame that `cursor` is at and those above it, 256 at most, with the names of their
/// functions. After prepare_unwinder, under a Bypass. Throws std::bad_alloc.
Backtrace walk_frames(unw_cursor_t& cursor);

/// Makes of `context`, which unw_getcontext has filled in, one of the flow that left with `saved`.
void put_registers(unw_context_t& context, const SavedRegisters& saved) noexcept;

}  // namespace colibri
