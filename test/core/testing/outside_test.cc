// The world outside a run with a seed: descriptors, helper threads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <string>
#include <thread>

#include "colibri/core/descriptor_wait.h"
#include "colibri/core/libc.h"
#include "colibri/core/offload.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/core/testing/seeds.h"
#include "colibri/core/testing/virtual_time.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using namespace colibri::testing;

class SocketPair {
 public:
  SocketPair() {
    EXPECT_EQ(
        real::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends_.data()), 0);
  }
  ~SocketPair() {
    for (const int end : ends_) {
      if (thread_state.event_loop != nullptr) thread_state.event_loop->detach(end);
      real::close(end);
    }
  }
  SocketPair(const SocketPair&) = delete;
  SocketPair& operator=(const SocketPair&) = delete;
  int operator[](std::size_t end) const { return ends_[end]; }

 private:
  std::array<int, 2> ends_{};
};

void send_byte(int socket) {
  EXPECT_EQ(real::write(socket, "x", 1), 1);
}

/// False if `patience` is over first.
bool receive_byte(int socket, nanoseconds patience = hours(1'000)) {
  const Deadline deadline = Deadline::after(patience);
  char byte = 0;
  while (real::read(socket, &byte, 1) != 1) {
    WaitLimits limits;
    limits.deadline = deadline;
    if (wait_ready(socket, Direction::kRead, limits) == WakeReason::kTimeout) return false;
  }
  return true;
}

TEST(Outside, PeersOfTheSameRunAnswerBeforeTimeGoesOn) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    run_with_seed(seed, [] {
      const SocketPair sockets;
      auto echo = spawn([&] {
        for (int i = 0; i < 10; ++i) {
          EXPECT_TRUE(receive_byte(sockets[1]));
          send_byte(sockets[1]);
        }
      });
      for (int i = 0; i < 10; ++i) {
        send_byte(sockets[0]);
        EXPECT_TRUE(receive_byte(sockets[0], milliseconds(1)));
      }
      echo.join();
      EXPECT_EQ(elapsed(), nanoseconds(0));
    });
  }
}

TEST(Outside, WhoWaitsForADescriptorDoesNotStopTime) {
  run_with_seed(1, [] {
    const SocketPair sockets;
    auto server = spawn([&] { receive_byte(sockets[1]); });
    sleep_for(hours(1));
    EXPECT_EQ(elapsed(), hours(1));
    EXPECT_FALSE(receive_byte(sockets[0], hours(1)));
    EXPECT_EQ(elapsed(), hours(2));
    send_byte(sockets[0]);
    server.join();
  });
}

TEST(Outside, IsGivenRealTimeFirst) {
  run_with_seed(1,
                [] {
                  const SocketPair sockets;
                  std::thread peer([&] {
                    std::this_thread::sleep_for(milliseconds(20));
                    send_byte(sockets[1]);
                  });
                  EXPECT_TRUE(receive_byte(sockets[0], hours(1)));
                  peer.join();
                  EXPECT_EQ(elapsed(), nanoseconds(0));
                },
                {.patience = seconds(60)});
}

TEST(Outside, IsNotWaitedForForEver) {
  try {
    run_with_seed(1,
                  [] {
                    const SocketPair sockets;
                    wait_ready(sockets[0], Direction::kRead, {});
                  },
                  {.stuck_after = milliseconds(20)});
    FAIL();
  } catch (const SeedFailure& failure) {
    EXPECT_THAT(failure.what(), ::testing::HasSubstr("waits: readable fd"));
  }
}

TEST(Outside, HelperThreadsFinishBeforeTimeGoesOn) {
  run_with_seed(1, [] {
    auto sleeper = spawn([] { sleep_for(hours(1)); });
    const int result = offload([] {
      std::this_thread::sleep_for(milliseconds(20));
      return 42;
    });
    EXPECT_EQ(result, 42);
    EXPECT_EQ(elapsed(), nanoseconds(0));
    sleeper.join();
    EXPECT_EQ(elapsed(), hours(1));
  });
}

}  // namespace
}  // namespace colibri
