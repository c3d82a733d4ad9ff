// The choice between epoll and io_uring.
#include "colibri/core/engine.h"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "colibri/core/event_loop.h"
#include "colibri/core/run.h"
#include "colibri/core/sleep.h"
#include "colibri/core/thread_state.h"

namespace colibri {
namespace {

TEST(Engine, IsReadFromText) {
  EXPECT_EQ(parse_engine("epoll"), Engine::kEpoll);
  EXPECT_EQ(parse_engine("io_uring"), Engine::kIoUring);
  try {
    parse_engine("select");
    FAIL() << "it took an unknown name";
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "\"select\" is no engine; write \"epoll\" or \"io_uring\"");
  }
}

/// As sandboxes do.
void forbid_io_uring() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{static_cast<unsigned short>(std::size(program)), program};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
    std::perror("seccomp");
    std::_Exit(2);
  }
}

void run_twice_without_io_uring() {
  forbid_io_uring();
  for (int i = 0; i < 2; ++i) {
    run(
        [] {
          sleep_for(std::chrono::milliseconds(1));
          if (thread_state.event_loop->ring() != nullptr) std::_Exit(3);
        },
        {.engine = Engine::kIoUring});
  }
  std::exit(0);
}

TEST(EngineDeathTest, EpollServesWhereIoUringIsRefusedAndTheLogSaysSoOnce) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(run_twice_without_io_uring(), testing::ExitedWithCode(0),
              "^[^\n]*epoll serves in place of io_uring[^\n]*Operation not permitted[^\n]*\n$");
}

}  // namespace
}  // namespace colibri
