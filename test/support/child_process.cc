#include "test/support/child_process.h"

#include <sys/wait.h>

#include <cerrno>
#include <cstdio>

namespace colibri::test {

void flush_before_fork() {
  std::fflush(nullptr);
}

int exit_status_of(pid_t process) {
  int status = 0;
  while (waitpid(process, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

}  // namespace colibri::test
