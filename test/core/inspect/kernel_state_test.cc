#include "colibri/core/inspect/kernel_state.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "colibri/core/inspect/system_call_text.h"

namespace colibri {
namespace {

TEST(KernelState, ReadsTheStateBehindAnyName) {
  EXPECT_EQ(parse_state("17 (server) S 1 17 17 0 -1"), 'S');
  EXPECT_EQ(parse_state("17 (a) R (b) D 1 17"), 'D');
  EXPECT_EQ(parse_state("17 (server) "), '?');
  EXPECT_EQ(parse_state(""), '?');
  EXPECT_EQ(parse_state("nonsense"), '?');
}

TEST(KernelState, ReadsTheTimeInTheQueue) {
  EXPECT_EQ(parse_queued("1000 2000 3\n"), 2000);
  EXPECT_EQ(parse_queued("1000"), std::nullopt);
  EXPECT_EQ(parse_queued(""), std::nullopt);
  EXPECT_EQ(parse_queued("1000 x 3"), std::nullopt);
}

TEST(KernelState, ReadsTheSystemCall) {
  const auto call = parse_system_call("0 0x5 0x7f00 0x1 0x0 0x0 0x2a 0x7ffd 0x7f2c\n");
  ASSERT_TRUE(call.has_value());
  EXPECT_EQ(call->number, 0);
  EXPECT_EQ(call->arguments[0], 5U);
  EXPECT_EQ(call->arguments[5], 42U);
  EXPECT_EQ(call->stack_pointer, 0x7ffdU);
  EXPECT_EQ(call->instruction_pointer, 0x7f2cU);
  const auto none = parse_system_call("-1 0x7ffd 0x7f2c\n");
  ASSERT_TRUE(none.has_value());
  EXPECT_EQ(none->number, -1);
  EXPECT_EQ(none->instruction_pointer, 0x7f2cU);
  EXPECT_EQ(parse_system_call("running\n"), std::nullopt);
  EXPECT_EQ(parse_system_call("0 0x5 0x7f00\n"), std::nullopt);
  EXPECT_EQ(parse_system_call(""), std::nullopt);
}

/// A thread that sits in read(), on a pipe that stays empty while it is looked at.
class BlockedThread {
 public:
  BlockedThread() {
    EXPECT_EQ(pipe(ends_), 0);
    thread_ = std::thread([this] {
      id_ = gettid();
      char byte;
      EXPECT_EQ(read(ends_[0], &byte, 1), 1);
    });
    while (id_ == 0) std::this_thread::yield();
  }
  ~BlockedThread() {
    EXPECT_EQ(write(ends_[1], "x", 1), 1);
    thread_.join();
    close(ends_[0]);
    close(ends_[1]);
  }
  BlockedThread(const BlockedThread&) = delete;
  BlockedThread& operator=(const BlockedThread&) = delete;

  pid_t id() const { return id_; }
  int descriptor() const { return ends_[0]; }
  clockid_t clock() {
    clockid_t clock{};
    EXPECT_EQ(pthread_getcpuclockid(thread_.native_handle(), &clock), 0);
    return clock;
  }

 private:
  int ends_[2] = {-1, -1};
  std::atomic<pid_t> id_{0};
  std::thread thread_;
};

TEST(KernelState, FindsTheCallThatAThreadSitsIn) {
  BlockedThread thread;
  const ThreadFiles files(thread.id());
  std::optional<SystemCall> call;
  while (!(call = files.system_call()).has_value() || call->number != SYS_read) {
    std::this_thread::yield();
  }
  EXPECT_EQ(call->arguments[0], static_cast<std::uint64_t>(thread.descriptor()));
  EXPECT_EQ(call->arguments[2], 1U);
  const ThreadTimes times = files.times(thread.clock());
  EXPECT_EQ(times.state, 'S');
  EXPECT_GT(times.now, 0);
  EXPECT_GT(times.computed, 0);
  EXPECT_TRUE(
      to_string(*call).starts_with("read(" + std::to_string(thread.descriptor()) + ", pipe:"));
  EXPECT_TRUE(restarts_after_signal(*call));
}

TEST(KernelState, AThreadThatRunsSitsInNoCall) {
  const ThreadFiles files(gettid());
  EXPECT_EQ(files.times(CLOCK_THREAD_CPUTIME_ID).state, 'R');
}

TEST(KernelState, AThreadThatIsNotThereSaysNothing) {
  const ThreadFiles files(-1);
  EXPECT_EQ(files.times(CLOCK_THREAD_CPUTIME_ID).state, '?');
  EXPECT_EQ(files.system_call(), std::nullopt);
}

}  // namespace
}  // namespace colibri
