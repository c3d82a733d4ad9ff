// The choice between epoll and io_uring.
#include "colibri/core/engine.h"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

#include "colibri/core/descriptor_wait.h"
#include "colibri/core/io_ring.h"
#include "colibri/core/libc.h"
#include "colibri/core/run.h"
#include "colibri/core/sleep.h"

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

/// A call of io_uring's that is to fail, as in sandboxes and on older kernels.
struct Refusal {
  const char* description;
  int error;
  unsigned call;
  std::uint32_t registered = 0;  // with io_uring_register: what is; nothing else fails then
};

void refuse(const Refusal& refusal) {
  // How many instructions to pass over: those that look at the argument.
  const std::uint8_t to_verdict = refusal.call == SYS_io_uring_register ? 0 : 2;
  // The lower half of the second argument: of a little-endian machine, as all that are served.
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refusal.call, to_verdict, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[1])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refusal.registered, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(refusal.error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{static_cast<unsigned short>(std::size(program)), program};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
    std::perror("seccomp");
    std::_Exit(2);
  }
}

/// One byte through a socket, waited for as blocking calls do.
bool receives() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0) return false;
  char byte = '!';
  auto reader = spawn([&] {
    while (real::recv(ends[0], &byte, 1, MSG_DONTWAIT) != 1) {
      if (wait_ready(ends[0], Direction::kRead, {}) != WakeReason::kFired) return;
    }
  });
  sleep_for(std::chrono::milliseconds(1));
  const bool sent = real::send(ends[1], "x", 1, 0) == 1;
  reader.join();
  EventLoop::detach_everywhere(ends[0]);
  close(ends[0]);
  close(ends[1]);
  return sent && byte == 'x';
}

/// Ends the process: with 0 if coroutines are served, twice, by the ring or without as expected.
void serve_twice_and_exit(const Refusal& refusal, bool with_ring) {
  refuse(refusal);
  for (int i = 0; i < 2; ++i) {
    run(
        [&] {
          if ((thread_state.event_loop->ring() != nullptr) != with_ring) std::_Exit(3);
          if (!receives()) std::_Exit(4);
        },
        {.engine = Engine::kIoUring});
  }
  std::exit(0);
}

class EngineRefusedDeathTest : public testing::TestWithParam<Refusal> {};

TEST_P(EngineRefusedDeathTest, EpollServesAndTheLogSaysSoOnce) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(serve_twice_and_exit(GetParam(), false), testing::ExitedWithCode(0),
              std::string("^[^\n]*epoll serves in place of io_uring[^\n]*") +
                  std::strerror(GetParam().error) + "[^\n]*\n$");
}

constexpr Refusal kRefusals[] = {
    {"ASandbox", EPERM, SYS_io_uring_setup},
    {"NoIoUring", ENOSYS, SYS_io_uring_setup},
    {"NoDeferredWork", EINVAL, SYS_io_uring_setup},  // before Linux 6.1
    {"NoRingOfBuffers", EINVAL, SYS_io_uring_register, IORING_REGISTER_PBUF_RING},  // 5.19
};

INSTANTIATE_TEST_SUITE_P(All, EngineRefusedDeathTest, testing::ValuesIn(kRefusals),
                         [](const auto& each) { return each.param.description; });

TEST(EngineDeathTest, ARingThatCannotBeRegisteredServesAllTheSame) {
  try {
    const IoRing ring;
  } catch (const std::system_error&) {
    GTEST_SKIP() << "the system refuses io_uring";
  }
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      serve_twice_and_exit({"", EINVAL, SYS_io_uring_register, IORING_REGISTER_RING_FDS}, true),
      testing::ExitedWithCode(0), "^$");
}

}  // namespace
}  // namespace colibri
