// What a process costs, as the kernel counts it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>

namespace echo_demo {

/// User and system time of all threads of `pid`. Throws std::runtime_error when there is no such
/// process, as do the next two.
std::chrono::nanoseconds cpu_time_of(pid_t pid);

/// Bytes of memory that it has touched (VmRSS). What the kernel holds for its sockets is not in it.
std::size_t resident_bytes_of(pid_t pid);

/// How many descriptors it has open.
std::size_t descriptors_of(pid_t pid);

}  // namespace echo_demo
