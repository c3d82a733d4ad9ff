// Walking up a stack with libunwind, from wherever its cursor begins. For the few files that
// include libunwind.h.
#pragma once

#define UNW_LOCAL_ONLY
#include <libunwind.h>

#include "colibri/core/backtrace.h"
#include "colibri/core/context.h"

namespace colibri {

/// The frame that `cursor` is at and those above it, 256 at most. After prepare_unwinder, under a
/// Bypass. Throws std::bad_alloc.
StackAddresses walk_addresses(unw_cursor_t& cursor);

/// The same with the names of their functions.
Backtrace walk_frames(unw_cursor_t& cursor);

/// Names for all of them. `begins_with_a_call`: the innermost frame, too, waits for a call to
/// return.
Backtrace with_names(const StackAddresses& addresses, bool begins_with_a_call);

/// Makes of `context`, which unw_getcontext has filled in, one of the flow that left with `saved`.
void put_registers(unw_context_t& context, const SavedRegisters& saved) noexcept;

}  // namespace colibri
