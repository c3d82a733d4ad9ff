// Ten thousand who connect and say nothing, and one who goes on being served.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/net/running_server.h"
#include "test/support/captured_stderr.h"
#include "test/support/child_process.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;
using test::comes_true;
using test::echo;
using test::echoes;
using test::RunningServer;

/// A process of its own, since one has not enough descriptors for both ends: connects so many
/// times, and keeps silent until each connection has been closed by the server.
[[noreturn]] void be_a_silent_crowd(std::size_t count, const Address& address) {
  std::vector<int> connections;
  for (std::size_t i = 0; i < count; ++i) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, address.data(), address.size()) != 0) _exit(1);
    connections.push_back(fd);
  }
  for (const int fd : connections) {
    char byte;
    if (read(fd, &byte, 1) != 0) _exit(2);
  }
  _exit(0);
}

/// One that speaks is trusted from then on: no result may depend on how fast it is.
void serve_whoever_speaks(TcpStream& stream) {
  stream.wait_readable();
  stream.set_timeouts({});
  echo(stream);
}

TEST(SilentCrowd, IsSentAwayAndOthersAreServedAllTheTime) {
  const std::size_t count = test::scaled(10'000, 2'000, 500);
  TcpServerOptions options;
  options.timeouts.idle = milliseconds(500);
  const std::string log = test::stderr_of([&] {
    test::run_in_scheduler([&] {
      RunningServer server(serve_whoever_speaks, options);
      TcpStream busy = server.connect();
      EXPECT_TRUE(echoes(busy, "first"));
      test::flush_before_fork();
      const pid_t crowd = fork();
      if (crowd == 0) be_a_silent_crowd(count, server.address());
      std::size_t rounds = 0;
      const auto all_sent_away = [&] {
        EXPECT_TRUE(echoes(busy, "round " + std::to_string(++rounds)));
        return server->counters().timed_out == count;
      };
      EXPECT_TRUE(comes_true(all_sent_away)) << server->counters().timed_out;
      EXPECT_EQ(test::exit_status_of(crowd), 0);
      EXPECT_EQ(server->counters().active, 1U);
      busy.close();
      const TcpServerCounters counters = server.stop();
      EXPECT_EQ(counters.accepted, count + 1);
      EXPECT_EQ(counters.completed, 1U);
    });
  });
  EXPECT_EQ(log, "") << "not a word for each of them";
}

}  // namespace
}  // namespace colibri
