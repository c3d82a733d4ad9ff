// A coroutine that runs out of stack is named, with what to do about it.
#pragma once

#include <signal.h>

namespace colibri {

/// For the handler of SIGSEGV and SIGBUS: if the fault is the overflow of a coroutine's stack, says
/// so on standard error, with the coroutine's backtrace, and returns true. A signal whose handler's
/// frame found no room is an overflow, too. False, with nothing done, for every other fault; a
/// write into a guard that does not come from the stack pointer is one of those.
///
/// `context` is what the handler got. Little stack is used: the report has one of its own.
bool report_stack_overflow(const siginfo_t& fault, const void* context) noexcept;

}  // namespace colibri
