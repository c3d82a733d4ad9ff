// The names of libc that hook/ defines anew.
#pragma once

#include <string_view>

namespace colibri::hook {

/// Sorted. Kept in step with the definitions by //test/hook:hooked_names_test.
inline constexpr std::string_view kHookedNames[] = {
    "__longjmp_chk",
    "__poll_chk",
    "__ppoll_chk",
    "__read_chk",
    "__recv_chk",
    "__recvfrom_chk",
    "__sysv_signal",
    "_longjmp",
    "accept",
    "accept4",
    "clock_nanosleep",
    "close",
    "connect",
    "dup",
    "dup2",
    "dup3",
    "epoll_pwait",
    "epoll_pwait2",
    "epoll_wait",
    "fcntl",
    "fcntl64",
    "ioctl",
    "longjmp",
    "nanosleep",
    "pipe",
    "pipe2",
    "poll",
    "ppoll",
    "pselect",
    "pthread_getattr_np",
    "read",
    "readv",
    "recv",
    "recvfrom",
    "recvmsg",
    "select",
    "send",
    "sendmsg",
    "sendto",
    "setsockopt",
    "sigaction",
    "sigaltstack",
    "siginterrupt",
    "siglongjmp",
    "signal",
    "sigset",
    "sleep",
    "socket",
    "socketpair",
    "sysv_signal",
    "usleep",
    "write",
    "writev",
};

/// True if colibri defines `name`.
bool is_hooked(std::string_view name) noexcept;

}  // namespace colibri::hook
