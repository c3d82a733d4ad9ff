#pragma once

#include <sys/types.h>

#include <cstdint>

namespace bench {

// User and system time in nanoseconds that all threads of process `pid` have used, those that have
// ended included. A thread that is running at the moment is accounted up to its last tick, so a
// difference of two readings is off by at most a few milliseconds.
// Throws std::system_error when there is no such process.
std::int64_t cpu_nanoseconds(pid_t pid);

// Resident memory of process `pid` in bytes (VmRSS). Throws std::system_error as above.
std::int64_t resident_bytes(pid_t pid);

}  // namespace bench
