// LISTEN_FDS and its kind, in children, whose first descriptors are free.
#include "colibri/net/inherited_sockets.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>

#include "colibri/core/libc.h"
#include "colibri/net/tcp_listener.h"
#include "test/support/child_process.h"

namespace colibri {
namespace {

/// Runs `body` in a child whose descriptors 3 and 4 are listeners, and whose environment says so.
/// What `body` returns is the child's exit status, and this one's.
int in_service(const char* count, const char* names, const std::function<int()>& body) {
  test::flush_before_fork();
  const pid_t child = fork();
  if (child == 0) {
    TcpListener first("127.0.0.1:0");
    TcpListener second("127.0.0.1:0");
    const int copies[] = {real::fcntl(first.descriptor(), F_DUPFD, 100),
                          real::fcntl(second.descriptor(), F_DUPFD, 100)};
    first.release();
    second.release();
    real::dup2(copies[0], 3);
    real::dup2(copies[1], 4);
    setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
    setenv("LISTEN_FDS", count, 1);
    if (names != nullptr) setenv("LISTEN_FDNAMES", names, 1);
    _exit(body());
  }
  return test::exit_status_of(child);
}

TEST(InheritedSockets, AreTakenInTheirOrderWithTheirNames) {
  EXPECT_EQ(
      in_service(
          "2", "web:admin",
          [] {
            std::vector<InheritedSocket> sockets = take_inherited_sockets();
            if (sockets.size() != 2 || sockets[0].name != "web" || sockets[1].name != "admin") {
              return 1;
            }
            if (real::fcntl(3, F_GETFD) != FD_CLOEXEC) return 2;
            TcpListener listener = TcpListener::adopt(sockets[0].descriptor.release());
            const TcpStream client = TcpStream::connect(listener.address());
            listener.accept();
            return std::getenv("LISTEN_FDS") == nullptr && take_inherited_sockets().empty() ? 0 : 3;
          }),
      0);
}

TEST(InheritedSockets, NeedNoNames) {
  for (const char* names : {static_cast<const char*>(nullptr), "", "only_one"}) {
    EXPECT_EQ(in_service("2", names,
                         [] {
                           const std::vector<InheritedSocket> sockets = take_inherited_sockets();
                           return sockets.size() == 2 && sockets[1].name.empty() ? 0 : 1;
                         }),
              0);
  }
}

TEST(InheritedSockets, AreNotTakenByAnotherProcess) {
  for (const char* process : {"1", "", "x", "-1"}) {
    EXPECT_EQ(in_service("2", nullptr,
                         [&] {
                           setenv("LISTEN_PID", process, 1);
                           return take_inherited_sockets().empty() ? 0 : 1;
                         }),
              0);
  }
  unsetenv("LISTEN_PID");
  unsetenv("LISTEN_FDS");
  EXPECT_TRUE(take_inherited_sockets().empty());
}

TEST(InheritedSockets, NonsenseIsRefused) {
  for (const char* count : {"", "two", "-1", "2x", "99999999999999999999", "5000", "900"}) {
    EXPECT_EQ(in_service(count, nullptr,
                         [] {
                           try {
                             take_inherited_sockets();
                             return 1;
                           } catch (const std::invalid_argument&) {
                             return 0;
                           }
                         }),
              0)
        << count;
  }
}

}  // namespace
}  // namespace colibri
