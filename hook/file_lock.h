// Locks of files that may have to be waited for.
#pragma once

#include <sys/types.h>

namespace colibri {

/// `attempt(number, command, argument, size)` takes the lock, or says EAGAIN or EACCES while
/// somebody else has it; then it is tried again after 1 ms, 2 ms and so on to 20 ms. 0 with the
/// lock, or -1 without: errno is what another try said, or ETIMEDOUT (a TimeLimit), ECANCELED, or
/// EINTR (a signal handler). `argument` is the program's, and looked at by `attempt` alone. In a
/// coroutine.
int lock_in_pauses(int number, int (*attempt)(int, int, void*, off64_t), int command,
                   void* argument, off64_t size);

}  // namespace colibri
