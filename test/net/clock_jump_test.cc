// The system's clock is set while connections are served: no time-out comes earlier or later.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

#include "colibri/core/deadline.h"
#include "test/net/running_server.h"
#include "test/support/run_in_scheduler.h"

namespace {

std::atomic<time_t> clock_offset{0};

}  // namespace

// In this program the system's clock is the kernel's and what a test has added to it.
extern "C" {

int clock_gettime(clockid_t clock, timespec* time) {
  const long result = syscall(SYS_clock_gettime, clock, time);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    time->tv_sec += clock_offset;
  }
  return static_cast<int>(result);
}

int gettimeofday(timeval* time, void*) {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  *time = {now.tv_sec, now.tv_nsec / 1000};
  return 0;
}

time_t time(time_t* result) {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (result != nullptr) *result = now.tv_sec;
  return now.tv_sec;
}
}

namespace colibri {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using test::comes_true;
using test::echo;
using test::echoes;
using test::RunningServer;

constexpr time_t kYear = 365 * 24 * 3600;

class ClockJump : public testing::TestWithParam<time_t> {
 protected:
  ~ClockJump() override { clock_offset = 0; }
};

TEST_P(ClockJump, EndsNoConnectionAndNoWait) {
  test::run_in_scheduler([] {
    TcpServerOptions options;
    options.timeouts.idle = hours(1);
    options.timeouts.read = hours(1);
    RunningServer server(echo, options);
    TcpStream client = server.connect();
    EXPECT_TRUE(echoes(client, "before"));
    const TimeLimit limit(hours(1));
    auto sleeper = spawn([] { sleep_for(hours(1)); });
    const auto before = std::chrono::system_clock::now();
    clock_offset = GetParam();
    EXPECT_GT(std::chrono::abs(std::chrono::system_clock::now() - before), hours(24))
        << "this program's clock is the one above";
    for (int i = 0; i < 20; ++i) {
      EXPECT_TRUE(echoes(client, "after"));
      sleep_for(milliseconds(1));
    }
    EXPECT_FALSE(sleeper.done());
    EXPECT_EQ(server->counters().timed_out, 0U);
    sleeper.cancel();
    client.close();
    EXPECT_EQ(server.stop().completed, 1U);
  });
}

TEST_P(ClockJump, KeepsNoTimeoutFromComing) {
  test::run_in_scheduler([] {
    TcpServerOptions options;
    options.timeouts.idle = milliseconds(20);
    RunningServer server(echo, options);
    TcpStream client = server.connect();
    EXPECT_TRUE(comes_true([&] { return server->counters().active == 1; }));
    clock_offset = GetParam();
    EXPECT_TRUE(comes_true([&] { return server->counters().timed_out == 1; }));
    server.stop();
  });
}

INSTANTIATE_TEST_SUITE_P(BothWays, ClockJump, testing::Values(kYear, -kYear));

}  // namespace
}  // namespace colibri
