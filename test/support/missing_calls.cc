#include "test/support/missing_calls.h"

#include <linux/futex.h>
#include <sys/syscall.h>

#include <cerrno>

#include "colibri/core/libc.h"

namespace colibri::test {
namespace {

bool says_missing(long result) {
  return result == -1 && errno == ENOSYS;
}

}  // namespace

const char* missing_epoll_pwait2() {
  epoll_event event;
  const bool missing = says_missing(real::epoll_pwait2(-1, &event, 1, nullptr, nullptr));
  return missing ? "epoll_pwait2 is not known here (Valgrind up to 3.19, Linux before 5.11)"
                 : nullptr;
}

const char* missing_monotonic_inheritance() {
  constexpr int kLockPi2 = 13;  // FUTEX_LOCK_PI2, which older headers do not have
  int owner = gettid();         // who has it already, so that nothing is locked
  const bool missing =
      says_missing(real::syscall(SYS_futex, &owner, kLockPi2 | FUTEX_PRIVATE_FLAG, 0, nullptr));
  return missing ? "FUTEX_LOCK_PI2 is not known here (Valgrind up to 3.19, Linux before 5.14)"
                 : nullptr;
}

}  // namespace colibri::test
