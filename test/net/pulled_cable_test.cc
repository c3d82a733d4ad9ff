// A cable is pulled: what became of the connections through it nobody tells the server. Two network
// namespaces stand for two machines, and a pair of virtual interfaces for the cable.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "test/net/running_server.h"
#include "test/support/child_process.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;
using test::comes_true;
using test::echo;
using test::echoes;
using test::RunningServer;

constexpr std::size_t kConnections = 20;
constexpr int kNotAllowed = 77;

bool run_command(const std::string& command) {
  return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

/// Goes to a network namespace of its own, whose loopback works.
bool isolate() {
  if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
  return run_command("ip link set lo up");
}

/// One process tells another something: a byte.
class Wire {
 public:
  Wire() { EXPECT_EQ(pipe(ends_), 0); }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  ~Wire() {
    close(ends_[0]);
    close(ends_[1]);
  }

  void put() const { EXPECT_EQ(write(ends_[1], "x", 1), 1); }
  /// Waits, for the whole thread.
  void take() const {
    char byte;
    EXPECT_EQ(read(ends_[0], &byte, 1), 1);
  }
  /// True if there is one; it is taken then.
  bool try_take() const {
    char byte;
    fcntl(ends_[0], F_SETFL, O_NONBLOCK);
    return read(ends_[0], &byte, 1) == 1;
  }

 private:
  int ends_[2] = {-1, -1};
};

/// What the two machines have to say to each other besides.
struct Wires {
  Wire isolated;
  Wire plugged_in;
  Wire connected;
  Wire done;
};

/// The other machine: all its connections echo once, and then it keeps them. Never returns.
void be_the_other_machine(const Wires& wires, const Address& server) {
  if (!isolate()) _exit(kNotAllowed);
  wires.isolated.put();
  wires.plugged_in.take();
  if (!run_command("ip address add 10.99.0.2/24 dev far && ip link set far up")) _exit(2);
  for (std::size_t i = 0; i < kConnections; ++i) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    char byte = 'x';
    if (connect(fd, server.data(), server.size()) != 0 || write(fd, &byte, 1) != 1 ||
        read(fd, &byte, 1) != 1) {
      _exit(3);
    }
  }
  wires.connected.put();
  wires.done.take();
  _exit(0);
}

/// Echoes to the other machine for as long as it says something now and then, and for ever to
/// others.
void serve(TcpStream& stream) {
  if (stream.peer_address().to_string().rfind("10.99.0.2:", 0) != 0) stream.set_timeouts({});
  echo(stream);
}

void serve_while_the_cable_is_pulled(const Wires& wires) {
  TcpServerOptions options;
  options.timeouts.idle = milliseconds(1000);
  RunningServer server(serve, options, "10.99.0.1:7777");
  TcpStream neighbour = server.connect();
  wires.plugged_in.put();
  ASSERT_TRUE(comes_true([&] { return wires.connected.try_take(); }));
  ASSERT_TRUE(run_command("ip link set near down"));
  std::size_t rounds = 0;
  EXPECT_TRUE(comes_true([&] {
    EXPECT_TRUE(echoes(neighbour, "round " + std::to_string(++rounds)));
    return server->counters().timed_out == kConnections;
  })) << server->counters().timed_out;
  EXPECT_EQ(server->counters().active, 1U);
  neighbour.close();
  EXPECT_EQ(server.stop().completed, 1U);
}

/// In a process of its own: its exit status.
int be_this_machine() {
  if (!isolate()) return kNotAllowed;
  const Wires wires;
  const pid_t other = fork();
  if (other == 0) be_the_other_machine(wires, "10.99.0.1:7777");
  wires.isolated.take();
  const std::string link = "ip link add near type veth peer name far netns " +
                           std::to_string(other) +
                           " && ip address add 10.99.0.1/24 dev near && ip link set near up";
  if (!run_command(link)) return kNotAllowed;
  test::run_in_scheduler([&] { serve_while_the_cable_is_pulled(wires); });
  wires.done.put();
  EXPECT_EQ(test::exit_status_of(other), 0);
  return testing::Test::HasFailure() ? 1 : 0;
}

TEST(PulledCable, ConnectionsEndByTheirTimeoutAndOthersNoticeNothing) {
  test::flush_before_fork();
  const pid_t machine = fork();
  if (machine == 0) {
    alarm(50);
    const int status = be_this_machine();
    test::flush_before_fork();
    _exit(status);
  }
  const int status = test::exit_status_of(machine);
  if (status == kNotAllowed) GTEST_SKIP() << "no network namespaces here, or no iproute2";
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace colibri
