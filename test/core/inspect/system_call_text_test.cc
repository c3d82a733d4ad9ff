#include "colibri/core/inspect/system_call_text.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

namespace colibri {
namespace {

constexpr int kUnknown = 100'000;

SystemCall call_of(long number, std::uint64_t first = 0, std::uint64_t second = 0) {
  SystemCall call;
  call.number = number;
  call.arguments = {first, second};
  return call;
}

SystemCall call_on(long number, int descriptor) {
  return call_of(number, static_cast<std::uint64_t>(descriptor));
}

/// A listener of 127.0.0.1 and a connection to it.
struct Connection {
  Connection() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* plain = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(listener, plain, size), 0);
    EXPECT_EQ(listen(listener, 1), 0);
    EXPECT_EQ(getsockname(listener, plain, &size), 0);
    EXPECT_EQ(connect(client, plain, size), 0);
    name = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  ~Connection() {
    close(client);
    close(listener);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int listener = socket(AF_INET, SOCK_STREAM, 0);
  int client = socket(AF_INET, SOCK_STREAM, 0);
  std::string name;
};

TEST(SystemCallText, NamesADescriptor) {
  const Connection connection;
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  EXPECT_EQ(describe_descriptor(connection.client), "socket, peer " + connection.name);
  EXPECT_EQ(describe_descriptor(connection.listener), "socket at " + connection.name);
  EXPECT_TRUE(describe_descriptor(ends[0]).starts_with("pipe:["));
  close(ends[0]);
  EXPECT_EQ(describe_descriptor(ends[0]), "closed");
  close(ends[1]);
}

TEST(SystemCallText, NamesACallAndWhatItIsOn) {
  const Connection connection;
  const std::string number = std::to_string(connection.client);
  EXPECT_EQ(to_string(call_on(SYS_recvfrom, connection.client)),
            "recvfrom(" + number + ", socket, peer " + connection.name + ")");
  pollfd set[] = {{connection.client, POLLIN, 0}};
  EXPECT_EQ(to_string(call_of(SYS_ppoll, reinterpret_cast<std::uint64_t>(set), 1)),
            "ppoll of 1 descriptor: " + number + ", socket, peer " + connection.name);
  EXPECT_EQ(to_string(call_of(SYS_ppoll, 8, 3)), "ppoll of 3 descriptors");
  EXPECT_EQ(to_string(call_of(SYS_clock_nanosleep)), "clock_nanosleep");
  EXPECT_EQ(to_string(call_of(kUnknown)), "system call 100000");
}

TEST(SystemCallText, KnowsWhichCallsASignalBreaks) {
  const Connection connection;
  for (const int number : {SYS_read, SYS_write, SYS_accept4, SYS_recvfrom, SYS_connect}) {
    EXPECT_TRUE(restarts_after_signal(call_on(number, connection.client))) << number;
  }
  for (const int number : {SYS_ppoll, SYS_pselect6, SYS_epoll_pwait, SYS_nanosleep,
                           SYS_clock_nanosleep, SYS_rt_sigtimedwait, kUnknown}) {
    EXPECT_FALSE(restarts_after_signal(call_on(number, connection.client))) << number;
  }
  const timeval timeout{1, 0};
  ASSERT_EQ(setsockopt(connection.client, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout), 0);
  EXPECT_FALSE(restarts_after_signal(call_on(SYS_recvfrom, connection.client)));
}

TEST(SystemCallText, KnowsAWaitForALock) {
  EXPECT_EQ(futex_of(call_of(SYS_futex, 64, FUTEX_WAIT_PRIVATE)), 64U);
  EXPECT_EQ(futex_of(call_of(SYS_futex, 64, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME)), 64U);
  EXPECT_EQ(futex_of(call_of(SYS_futex, 64, FUTEX_WAKE)), 0U);
  EXPECT_EQ(futex_of(call_of(SYS_read, 64)), 0U);
}

}  // namespace
}  // namespace colibri
