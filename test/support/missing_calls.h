// Calls that the kernel, or what stands in for it, may not have.
#pragma once

namespace colibri::test {

/// Why epoll_pwait2 cannot be tested here; null if it can. Any thread.
const char* missing_epoll_pwait2();

/// The same for waits by the monotonic clock for a mutex that inherits priorities.
const char* missing_monotonic_inheritance();

}  // namespace colibri::test
