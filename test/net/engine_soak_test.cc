// A server and clients that behave at random, for as long as COLIBRI_SOAK_SECONDS says: echoes of
// all sizes among resets, cuts, cancellations, time limits, forks, and clients that are killed.
// Every byte that comes back must be right, every connection that was accepted must have ended, and
// no descriptor and no stack may be left.
//
//   COLIBRI_ENGINE=io_uring COLIBRI_SOAK_SECONDS=3600 engine_soak_test
//
// Who does what is decided by a generator with a fixed seed; when, by the machine.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "colibri/core/canceled.h"
#include "colibri/core/deadline.h"
#include "colibri/core/sanitizer.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/net/running_server.h"
#include "test/support/child_process.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::RunningServer;

constexpr std::size_t kClients = 40;
constexpr std::size_t kMostBytes = 60'000;

seconds time_to_run() {
  const char* text = std::getenv("COLIBRI_SOAK_SECONDS");
  return seconds(text == nullptr ? 2 : std::atoi(text));
}

/// What has happened, for the last line and for what must not be zero.
struct Counts {
  std::size_t echoes = 0;
  std::size_t wrong = 0;
  std::size_t resets = 0;
  std::size_t cuts = 0;
  std::size_t cancels = 0;
  std::size_t limits = 0;
  std::size_t forks = 0;
  std::size_t kills = 0;
  std::size_t bad_children = 0;
};

class Soak {
 public:
  Soak()
      : server_(test::echo, {.receive_ahead = false, .drain = milliseconds(1)}),
        ahead_server_(test::echo, {.receive_ahead = true, .drain = milliseconds(1)}) {}

  /// One client's life, again and again.
  void live(unsigned seed, Deadline end) {
    std::mt19937 random(seed);
    while (!end.has_passed()) {
      try {
        take_a_turn(random);
      } catch (const std::system_error& error) {
        // The limit is over, or its own doing.
        if (error.code() != std::errc::timed_out) throw;
        ++counts.limits;
      }
    }
  }

  /// Both servers end, and nothing is missing.
  void end() {
    for (RunningServer* each : {&server_, &ahead_server_}) {
      EXPECT_TRUE(test::comes_true([&] { return (*each)->counters().active == 0; }));
      const TcpServerCounters ended = each->stop();
      EXPECT_GT(ended.accepted, 0U);
      EXPECT_EQ(ended.accepted, ended.completed + ended.failed + ended.lost + ended.timed_out +
                                    ended.canceled + ended.refused);
      EXPECT_EQ(ended.failed, 0U);
    }
  }

  Counts counts;

 private:
  void take_a_turn(std::mt19937& random) {
    TcpStream stream = (random() % 2 == 0 ? server_ : ahead_server_).connect();
    if (random() % 2 == 0) stream.set_receive_ahead(true);
    for (int round = static_cast<int>(random() % 8); round >= 0; --round) echo(stream, random);
    switch (random() % 16) {
      case 0:
        return reset(stream, random);
      case 1:
        return cut(stream, random);
      case 2:
        return cancel_reader(stream);
      case 3:
        return wait_in_vain(stream);
      case 4:
        return fork_once();
      case 5:
        return kill_once(random);
      default:
        return;
    }
  }

  /// Sends from another coroutine meanwhile: more than the kernel's buffers hold may be on its way.
  void echo(TcpStream& stream, std::mt19937& random) {
    const std::size_t most = random() % 4 == 0 ? kMostBytes : 200;
    const std::string text = test::test_text(1 + random() % most);
    auto sender = spawn([&] { stream.write_all(text); });
    const std::string reply = test::read_text(stream, text.size());
    sender.join();
    counts.wrong += reply == text ? 0 : 1;
    ++counts.echoes;
  }

  void reset(TcpStream& stream, std::mt19937& random) {
    ++counts.resets;
    stream.write_all(test::test_text(1 + random() % kMostBytes / 4));
    stream.reset();
  }

  /// Nobody reads what comes back.
  void cut(TcpStream& stream, std::mt19937& random) {
    ++counts.cuts;
    stream.write_all(test::test_text(1 + random() % kMostBytes / 4));
    if (random() % 2 == 0) stream.shutdown_write();
    stream.close();
  }

  void cancel_reader(TcpStream& stream) {
    ++counts.cancels;
    auto reader = spawn([&] { test::read_text(stream, 1); });
    sleep_for(milliseconds(1));
    reader.cancel();
    EXPECT_THROW(reader.join(), Canceled);
    counts.wrong += test::echoes(stream, "still there") ? 0 : 1;
  }

  void wait_in_vain(TcpStream& stream) {
    const TimeLimit limit(milliseconds(1));
    test::read_text(stream, 1);
  }

  /// The child serves itself, and leaves the parent's connections alone.
  void fork_once() {
    if (kThreadSanitizer) return;
    ++counts.forks;
    test::flush_before_fork();
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);
      test::TcpPair pair = test::tcp_pair();
      pair.server.set_receive_ahead(true);
      auto server = spawn([&] { test::echo(pair.server); });
      const bool right = test::echoes(pair.client, "from the child");
      _exit(right ? 0 : 1);
    }
    counts.bad_children += await(child) == 0 ? 0 : 1;
  }

  /// A process of its own that sends and never reads, until it is killed.
  void kill_once(std::mt19937& random) {
    if (kThreadSanitizer) return;
    ++counts.kills;
    const Address address = ahead_server_.address();
    test::flush_before_fork();
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);
      TcpStream stream = TcpStream::connect(address);
      for (;;) stream.write_all(test::test_text(10'000));
    }
    sleep_for(milliseconds(random() % 20));
    kill(child, SIGKILL);
    await(child);
  }

  static int await(pid_t child) {
    int status = 0;
    while (waitpid(child, &status, WNOHANG) == 0) sleep_for(milliseconds(1));
    return status;
  }

  RunningServer server_;
  RunningServer ahead_server_;
};

TEST(EngineSoak, NothingIsWrongAndNothingIsLeft) {
  Counts counts;
  test::run_in_scheduler([&] {
    const Deadline end = Deadline::after(time_to_run());
    Soak soak;
    std::vector<Task<void>> clients;
    for (unsigned i = 0; i < kClients; ++i) {
      clients.push_back(spawn([&soak, i, end] { soak.live(i, end); }));
    }
    for (Task<void>& each : clients) each.join();
    soak.end();
    counts = soak.counts;
  });
  std::printf(
      "%zu echoes; %zu resets, %zu cuts, %zu cancellations, %zu limits, %zu forks, %zu kills\n",
      counts.echoes, counts.resets, counts.cuts, counts.cancels, counts.limits, counts.forks,
      counts.kills);
  EXPECT_EQ(counts.wrong, 0U);
  EXPECT_EQ(counts.bad_children, 0U);
  EXPECT_GT(counts.echoes, kClients);
}

}  // namespace
}  // namespace colibri
