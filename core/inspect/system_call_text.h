// System calls that block, in words: which, on what, and how a signal would treat them.
#pragma once

#include <string>

#include "colibri/core/inspect/kernel_state.h"

namespace colibri {

/// "read(7, socket, peer 127.0.0.1:7777)", "poll of 1 descriptor", "futex", "system call 425". Of a
/// call that a thread of this process sits in; any thread. Throws std::bad_alloc.
std::string to_string(const SystemCall& call);

/// Its name alone: "read"; "system call 425" of one that nobody here knows.
std::string name_of(const SystemCall& call);

/// "socket, peer 127.0.0.1:7777", "pipe:[1234]", "/dev/tty"; "closed" if it is. Any thread. Throws
/// std::bad_alloc.
std::string describe_descriptor(int descriptor);

/// True for a call that goes on by itself after a handler with SA_RESTART: a signal does it no
/// harm. Others fail with EINTR whatever the handler's flags (poll, select, epoll_wait, nanosleep,
/// sigwait, pause and their kin, and sockets' calls under SO_RCVTIMEO or SO_SNDTIMEO); and so may
/// those that nobody here knows.
bool restarts_after_signal(const SystemCall& call) noexcept;

/// The address of the lock's word, if the call is a wait on a futex; 0 otherwise.
std::uintptr_t futex_of(const SystemCall& call) noexcept;

}  // namespace colibri
