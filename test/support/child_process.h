// How a forked child ended.
#pragma once

#include <sys/types.h>

namespace colibri::test {

/// To be called before a fork whose child may end by exit(): what stdio has buffered would be
/// written twice.
void flush_before_fork();

/// Waits (the whole thread) for the child `process`: its exit status, or 1000 plus the signal that
/// ended it.
int exit_status_of(pid_t process);

}  // namespace colibri::test
