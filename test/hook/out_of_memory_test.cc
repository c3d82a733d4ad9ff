// Hooks are C functions: when an allocation of theirs fails, they say so by their result, or do
// without; no exception leaves them.
#include <grp.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <pwd.h>
#include <resolv.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/wait.h>

#include "test/support/channels.h"
#include "test/support/failing_allocations.h"
#include "test/support/run_in_session.h"
#include "test/support/transfers.h"

namespace colibri::test {
namespace {

/// A call that parks or asks a helper. `prepare` makes what it works on. Its result is 0 if all is
/// well; otherwise -1 with errno.
struct HungryCall {
  const char* name;
  Ends (*prepare)(Session&);
  int (*call)(const Ends&);
};

Ends nothing(Session&) {
  return {-1, -1};
}

int expect_record(const void* record) {
  return record != nullptr ? 0 : -1;
}

/// For calls that return an error.
int expect_no_error(int error) {
  if (error != 0) errno = error;
  return error == 0 ? 0 : -1;
}

int expect_resolved(int error) {
  if (error == EAI_MEMORY) errno = ENOMEM;
  return error == 0 ? 0 : -1;
}

/// A file in which what is written goes to a helper, and a socket to send it to.
Ends file_and_socket(Session& session) {
  const char* folder = getenv("TEST_TMPDIR");
  std::string path = std::string(folder != nullptr ? folder : "/var/tmp") + "/XXXXXX";
  const int file = session.own(mkostemp(path.data(), O_APPEND));
  unlink(path.c_str());
  EXPECT_EQ(real::write(file, "hello", 5), 5);
  return {file, tcp_ends(session).writer};
}

template <class Call>
int of_a_child(Call call) {
  const pid_t child = fork();
  if (child == 0) {
    real::usleep(2000);
    _exit(0);
  }
  const int result = call(child);
  const int error = errno;
  while (real::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  errno = error;
  return result;
}

const HungryCall kCalls[] = {
    {"getpwnam", nothing, [](const Ends&) { return expect_record(getpwnam("root")); }},
    {"getpwuid", nothing, [](const Ends&) { return expect_record(getpwuid(0)); }},
    {"getgrnam", nothing, [](const Ends&) { return expect_record(getgrnam("root")); }},
    {"getgrgid", nothing, [](const Ends&) { return expect_record(getgrgid(0)); }},
    {"getpwnam_r", nothing,
     [](const Ends&) {
       passwd user;
       passwd* found;
       char room[1000];
       return expect_no_error(getpwnam_r("root", &user, room, sizeof room, &found));
     }},
    {"getgrgid_r", nothing,
     [](const Ends&) {
       group members;
       group* found;
       char room[1000];
       return expect_no_error(getgrgid_r(0, &members, room, sizeof room, &found));
     }},
    {"gethostbyname", nothing,
     [](const Ends&) { return expect_record(gethostbyname("localhost")); }},
    {"gethostbyname2", nothing,
     [](const Ends&) { return expect_record(gethostbyname2("localhost", AF_INET)); }},
    {"gethostbyaddr", nothing,
     [](const Ends&) {
       const in_addr address{htonl(INADDR_LOOPBACK)};
       return expect_record(gethostbyaddr(&address, sizeof address, AF_INET));
     }},
    {"getaddrinfo", nothing,
     [](const Ends&) {
       addrinfo* list = nullptr;
       const int result = expect_resolved(getaddrinfo("localhost", "http", nullptr, &list));
       if (result == 0) freeaddrinfo(list);
       return result;
     }},
    {"getnameinfo", nothing,
     [](const Ends&) {
       sockaddr_in address{};
       address.sin_family = AF_INET;
       address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
       char host[100];
       return expect_resolved(
           getnameinfo(generic(address), sizeof address, host, sizeof host, nullptr, 0, 0));
     }},
    {"res_query", nothing,
     [](const Ends&) {
       static const std::string too_long(2000, 'x');
       unsigned char answer[100];
       const int result = res_query(too_long.c_str(), 1, 1, answer, sizeof answer);
       return result < 0 && errno != ENOMEM ? 0 : result;
     }},
    {"fsync", file_and_socket, [](const Ends& ends) { return fsync(ends.reader); }},
    {"write", file_and_socket,
     [](const Ends& ends) { return write(ends.reader, "hello", 5) == 5 ? 0 : -1; }},
    {"writev", file_and_socket,
     [](const Ends& ends) {
       char text[] = "hello";
       const TwoPieces two(text, 5);
       return writev(ends.reader, two.pieces, 2) == 5 ? 0 : -1;
     }},
    {"fallocate", file_and_socket,
     [](const Ends& ends) { return fallocate(ends.reader, 0, 0, 10); }},
    {"posix_fallocate", file_and_socket,
     [](const Ends& ends) { return expect_no_error(posix_fallocate(ends.reader, 0, 10)); }},
    {"fdopen", pipe_ends,
     [](const Ends& ends) {
       FILE* stream = fdopen(dup(ends.writer), "w");
       const bool written = fputs("hello", stream) >= 0;
       return fclose(stream) == 0 && written ? 0 : -1;
     }},
    {"sendfile", file_and_socket,
     [](const Ends& ends) {
       off_t offset = 0;
       return sendfile(ends.writer, ends.reader, &offset, 5) == 5 ? 0 : -1;
     }},
    {"waitpid", nothing,
     [](const Ends&) {
       return of_a_child([](pid_t child) { return waitpid(child, nullptr, 0) == child ? 0 : -1; });
     }},
    {"wait", nothing,
     [](const Ends&) {
       return of_a_child([](pid_t child) { return wait(nullptr) == child ? 0 : -1; });
     }},
    {"system", nothing, [](const Ends&) { return system("true"); }},
    {"pclose", nothing, [](const Ends&) { return pclose(popen("true", "r")); }},
    {"poll", pipe_ends,
     [](const Ends& ends) {
       pollfd queries[] = {{ends.reader, POLLIN, 0}, {ends.writer, 0, 0}};
       return poll(queries, 2, 1);
     }},
    {"ppoll", pipe_ends,
     [](const Ends& ends) {
       pollfd query{ends.reader, POLLIN, 0};
       sigset_t none;
       sigemptyset(&none);
       const timespec soon{0, 1'000'000};
       return ppoll(&query, 1, &soon, &none);
     }},
    {"select", pipe_ends,
     [](const Ends& ends) {
       fd_set readers;
       FD_ZERO(&readers);
       FD_SET(ends.reader, &readers);
       timeval soon{0, 1000};
       return select(ends.reader + 1, &readers, nullptr, nullptr, &soon);
     }},
    {"epoll_wait",
     [](Session& session) {
       return Ends{session.own(epoll_create1(EPOLL_CLOEXEC)), -1};
     },
     [](const Ends& ends) {
       epoll_event event{};
       return epoll_wait(ends.reader, &event, 1, 1);
     }},
    {"read",
     [](Session& session) {
       const Ends ends = unix_stream_ends(session);
       set_timeout(session, ends.reader, SO_RCVTIMEO, 1000);
       return ends;
     },
     [](const Ends& ends) {
       char byte;
       return read(ends.reader, &byte, 1) < 0 && errno == EAGAIN ? 0 : -1;
     }},
    {"usleep", nothing, [](const Ends&) { return usleep(100); }},
};

void PrintTo(const HungryCall& call, std::ostream* out) {
  *out << call.name;
}

class OutOfMemory : public testing::TestWithParam<HungryCall> {
 protected:
  /// Makes the call in a scheduler of its own, with this allocation failing. False if it has fewer.
  static bool fails_once(std::size_t successes) {
    bool failed = false;
    run_with_session_in_main([&](Session& session) {
      const Ends ends = GetParam().prepare(session);
      int result = -1;
      int error = 0;
      {
        const FailingAllocations failing(successes);
        EXPECT_NO_THROW(result = GetParam().call(ends); error = errno);
        failed = failing.has_failed();
      }
      EXPECT_TRUE(result == 0 || error == ENOMEM) << strerrorname_np(error);
    });
    return failed;
  }
};

TEST_P(OutOfMemory, IsSaidByTheResult) {
  // libc and the helpers have now what they keep.
  EXPECT_FALSE(fails_once(1'000'000));
  constexpr std::size_t kMost = 1000;
  std::size_t successes = 0;
  while (successes < kMost && !HasFailure() && fails_once(successes)) ++successes;
  EXPECT_LT(successes, kMost);
}

INSTANTIATE_TEST_SUITE_P(Of, OutOfMemory, testing::ValuesIn(kCalls),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace colibri::test
