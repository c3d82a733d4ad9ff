// What is said of a coroutine in logs.
#pragma once

#include <string>

#include "colibri/core/control_block.h"

namespace colibri {

/// "coroutine 17 'session' spawned at server.cc:41". Its own thread.
std::string describe(const ControlBlock& coroutine);

/// "waits until descriptor 7 is readable". `descriptor` counts for kReadable and kWritable. Any
/// thread.
std::string describe_wait_kind(WaitKind kind, int descriptor);

/// Logs that an exception left the coroutine's function.
void report_escaped_exception(const ControlBlock& coroutine, const char* what) noexcept;

/// Logs that the coroutine ignored its cancellation and is given up, with its stack and the stacks
/// of those that it resumed.
void report_abandoned(const ControlBlock& coroutine) noexcept;

}  // namespace colibri
