// libc's other names of hooked calls: they park, and give what libc gives.
#include <gtest/gtest.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/select.h>
#include <sys/wait.h>

#include "test/support/channels.h"
#include "test/support/child_process.h"

extern "C" {
int __close(int);
int __connect(int, const sockaddr*, socklen_t);
int __dup2(int, int);
int __fcntl(int, int, ...);
int __nanosleep(const timespec*, timespec*);
int __open(const char*, int, ...);
int __open64(const char*, int, ...);
int __pipe(int*);
int __poll(pollfd*, nfds_t, int);
ssize_t __pread64(int, void*, size_t, off64_t);
ssize_t __pwrite64(int, const void*, size_t, off64_t);
ssize_t __read(int, void*, size_t);
int __select(int, fd_set*, fd_set*, fd_set*, timeval*);
ssize_t __send(int, const void*, size_t, int);
int __sigaction(int, const struct sigaction*, struct sigaction*);
pid_t __vfork(void) __attribute__((returns_twice));
pid_t __waitpid(pid_t, int*, int);
ssize_t __write(int, const void*, size_t);
int _IO_fclose(FILE*);
FILE* _IO_popen(const char*, const char*);
}

namespace colibri::test {
namespace {

const ParityCase kAliases[] = {
    {"OfReadAndWrite", "2, hi, 2, 0",
     [](Session& session) {
       const Ends ends = pipe_ends(session);
       const auto write = session.either("__write", ::__write);
       session.meanwhile([write, ends] { write(ends.writer, "hi", 2); });
       char room[3] = {};
       session.call(session.either("__read", ::__read), ends.reader, static_cast<void*>(room), 2);
       session.note(room);
       session.call(write, ends.writer, static_cast<const void*>("hi"), 2);
       session.measure([&] { return session.either("__fcntl", ::__fcntl)(ends.reader, F_GETFL); });
     }},
    {"OfSendAndPoll", "1 ready, 1, 1 ready, 2",
     [](Session& session) {
       const Ends ends = tcp_ends(session);
       const auto send = session.either("__send", ::__send);
       session.meanwhile([send, ends] { send(ends.writer, "a", 1, 0); });
       pollfd query{ends.reader, POLLIN, 0};
       session.call(session.either("__poll", ::__poll), &query, 1, -1);
       session.append("ready");
       char room[10];
       session.call(session.libc.read, ends.reader, static_cast<void*>(room), sizeof room);
       session.finish_helpers();
       session.meanwhile([send, ends] { send(ends.writer, "bc", 2, 0); });
       fd_set readers;
       FD_ZERO(&readers);
       FD_SET(ends.reader, &readers);
       session.call(session.either("__select", ::__select), ends.reader + 1, &readers, nullptr,
                    nullptr, nullptr);
       session.append("ready");
       session.call(session.libc.read, ends.reader, static_cast<void*>(room), sizeof room);
     }},
    {"OfConnect", "0, -1 ECONNREFUSED",
     [](Session& session) {
       const auto connect = session.either("__connect", ::__connect);
       const sockaddr_in address = address_of(listener(session));
       const int socket = session.own(session.libc.socket(AF_INET, SOCK_STREAM, 0));
       session.call(connect, socket, generic(address), sizeof address);
       const sockaddr_in refusing = refusing_address(session);
       const int other = session.own(session.libc.socket(AF_INET, SOCK_STREAM, 0));
       session.call(connect, other, generic(refusing), sizeof refusing);
     }},
    {"OfDescriptorCalls", "0, 0, 0, -1 EBADF",
     [](Session& session) {
       int ends[2];
       session.call(session.either("__pipe", ::__pipe), ends);
       session.own(ends[1]);
       const int target = free_number(session);
       session.note(std::to_string(session.either("__dup2", ::__dup2)(ends[0], target) - target));
       session.call(session.either("__close", ::__close), target);
       session.call(session.either("__close", ::__close), target);
       session.libc.close(ends[0]);
     }},
    {"OfOpen", "opened, opened, -1 ENOENT",
     [](Session& session) {
       const auto open = session.either("__open", ::__open);
       session.note_if(session.own(open("/dev/null", O_RDONLY)) >= 0, "opened");
       session.note_if(session.own(session.either("__open64", ::__open64)("/", O_RDONLY)) >= 0,
                       "opened");
       session.measure([open] { return open("/nothing/there", O_RDONLY); });
     }},
    {"OfFileCalls", "-1 ESPIPE, -1 ESPIPE",
     [](Session& session) {
       const Ends ends = pipe_ends(session);
       char byte = 'x';
       session.call(session.either("__pread64", ::__pread64), ends.reader,
                    static_cast<void*>(&byte), 1, 0);
       session.call(session.either("__pwrite64", ::__pwrite64), ends.writer,
                    static_cast<const void*>(&byte), 1, 0);
     }},
    {"OfWaits", "0, right, 7",
     [](Session& session) {
       const timespec moment{0, 1000};
       session.call(session.either("__nanosleep", ::__nanosleep), &moment, nullptr);
       flush_before_fork();
       const pid_t child = fork();
       if (child == 0) _exit(7);
       int status = 0;
       session.note_if(session.either("__waitpid", ::__waitpid)(child, &status, 0) == child,
                       "right");
       session.note(std::to_string(WEXITSTATUS(status)));
     }},
    {"OfStreams", "hello, 0",
     [](Session& session) {
       FILE* stream = session.either("_IO_popen", ::_IO_popen)("echo hello", "r");
       char line[10] = {};
       EXPECT_NE(fgets(line, sizeof line, stream), nullptr);
       session.note(std::string(line, 5));
       pclose(stream);
       session.call(session.either("_IO_fclose", ::_IO_fclose), fopen("/dev/null", "re"));
     }},
};

class AliasParity : public testing::TestWithParam<ParityCase> {};

TEST_P(AliasParity, HoldsInEveryWay) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Aliases, AliasParity, testing::ValuesIn(kAliases),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

TEST(Alias, OfVforkLetsTheChildRunFirst) {
  volatile int changed = 0;
  const pid_t child = __vfork();
  if (child == 0) {
    changed = 1;
    _exit(0);
  }
  EXPECT_EQ(changed, 1);
  EXPECT_EQ(exit_status_of(child), 0);
}

TEST(Alias, OfSigactionGoesByTheHook) {
  struct sigaction action {};
  struct sigaction before {};
  struct sigaction seen {};
  action.sa_handler = [](int) {};
  EXPECT_EQ(__sigaction(SIGUSR2, &action, &before), 0);
  EXPECT_EQ(sigaction(SIGUSR2, nullptr, &seen), 0);
  EXPECT_EQ(seen.sa_handler, action.sa_handler);
  EXPECT_EQ(__sigaction(SIGUSR2, &before, nullptr), 0);
}

}  // namespace
}  // namespace colibri::test
