// An access to the stack of a parked coroutine, in the check mode of shared stacks, says who did it
// and whose stack it was.
#pragma once

#include <signal.h>

namespace colibri {

/// For the handler of SIGSEGV and SIGBUS, as report_stack_overflow: if the fault lies in a closed
/// range of checked_stacks.h, names both sides on standard error, with the backtrace of the access,
/// and returns true. False, with nothing done, for every other fault.
bool report_foreign_access(const siginfo_t& fault, const void* context) noexcept;

/// From now on, a call of libc that fails with EFAULT since one of its pointers lies in a closed
/// range ends the process with the same sentence.
void watch_bad_pointers() noexcept;

}  // namespace colibri
