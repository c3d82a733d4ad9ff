// libunwind, kept from holding descriptors.
//
// Left to itself, libunwind reads a stack only after it has written the bytes in question to a pipe
// of its own. It opens that pipe at its first use, on the lowest numbers that are free, and goes on
// using the numbers after the program has closed them or given them another meaning: bytes would
// get into a stranger's socket. Here the kernel copies the words instead, which finds out as well
// whether they can be read, and the pipe comes to life where it cannot be met.
#pragma once

namespace colibri {

/// To be called before libunwind is used; does its work once in a process. Any thread, any
/// coroutine; from a signal handler only if it has returned once before. Other users of the same
/// library in the process come to read memory in this way, too.
void prepare_unwinder() noexcept;

}  // namespace colibri
