// Who waits for descriptors says in words for which.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

#include "colibri/core/descriptor_wait.h"
#include "colibri/core/sleep.h"
#include "test/core/inspect/waiting_coroutine.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using test::run_in_scheduler;
using test::wait_of;
using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

/// Two connected TCP sockets, and the listener between them.
struct Connection {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  int client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  int server = -1;

  Connection() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(listener, generic, size), 0);
    EXPECT_EQ(listen(listener, 1), 0);
    EXPECT_EQ(getsockname(listener, generic, &size), 0);
    connect(client, generic, size);
    while ((server = accept(listener, nullptr, nullptr)) < 0) yield();
  }
  ~Connection() {
    for (const int each : {listener, client, server}) close(each);
  }
};

void forget_descriptor(int descriptor) {
  thread_state.event_loop->detach(descriptor);
}

TEST(DescriptorWords, AReadSaysWhichDescriptorAndWhoIsAtBothEnds) {
  run_in_scheduler([] {
    const Connection connection;
    const std::string wait =
        wait_of([fd = connection.server] { wait_ready(fd, Direction::kRead, {}); });
    const std::string expected = "readable fd " + std::to_string(connection.server);
    EXPECT_THAT(wait, StartsWith(expected + " 127.0.0.1:"));
    EXPECT_THAT(wait, MatchesRegex(".*127.0.0.1:[0-9]+←127.0.0.1:[0-9]+"));
    const std::string listening =
        wait_of([fd = connection.listener] { wait_ready(fd, Direction::kRead, {}); });
    EXPECT_THAT(listening, MatchesRegex("readable fd [0-9]+ 127.0.0.1:[0-9]+"));
    forget_descriptor(connection.server);
    forget_descriptor(connection.listener);
  });
}

TEST(DescriptorWords, APipeSaysThatItIsOne) {
  run_in_scheduler([] {
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_NONBLOCK), 0);
    const std::string wait = wait_of([fd = ends[0]] { wait_ready(fd, Direction::kRead, {}); });
    EXPECT_THAT(wait, MatchesRegex("readable fd [0-9]+ pipe:\\[[0-9]+\\]"));
    const std::string poll = wait_of([a = ends[0], b = ends[1]] {
      const pollfd both[] = {{a, POLLIN, 0}, {b, POLLPRI, 0}};
      wait_any(both, {});
    });
    EXPECT_THAT(poll, MatchesRegex("poll: readable fd " + std::to_string(ends[0]) +
                                   " pipe:\\[[0-9]+\\], readable fd " + std::to_string(ends[1]) +
                                   " pipe:\\[[0-9]+\\]"));
    for (const int end : ends) {
      forget_descriptor(end);
      close(end);
    }
  });
}

TEST(DescriptorWords, APollNamesFourDescriptorsAndCountsTheRest) {
  run_in_scheduler([] {
    constexpr int kPairs = 3;
    std::array<int, 2 * kPairs> ends{};
    for (int i = 0; i < kPairs; ++i) {
      ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, &ends[2 * i]), 0);
    }
    const std::string poll = wait_of([ends] {
      std::array<pollfd, 2 * kPairs> all{};
      for (std::size_t i = 0; i < all.size(); ++i) all[i] = {ends[i], POLLIN, 0};
      wait_any(all, {});
    });
    EXPECT_THAT(poll, StartsWith("poll: readable fd " + std::to_string(ends[0]) + " "));
    EXPECT_THAT(poll, HasSubstr("readable fd " + std::to_string(ends[3]) + " "));
    EXPECT_THAT(poll, Not(HasSubstr("readable fd " + std::to_string(ends[4]) + " ")));
    EXPECT_THAT(poll, EndsWith(", +2 more"));
    for (const int end : ends) {
      forget_descriptor(end);
      close(end);
    }
  });
}

TEST(DescriptorWords, APollInBothDirectionsSaysSo) {
  run_in_scheduler([] {
    std::array<int, 2> ends{};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    const std::string poll = wait_of([fd = ends[0]] {
      const pollfd both[] = {{fd, POLLIN | POLLOUT, 0}};
      wait_any(both, {});
    });
    EXPECT_THAT(poll, StartsWith("poll: readable or writable fd " + std::to_string(ends[0])));
    for (const int end : ends) {
      forget_descriptor(end);
      close(end);
    }
  });
}

}  // namespace
}  // namespace colibri
