// libc's other names of hooked calls: they park, and give what libc gives.
#include <gtest/gtest.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/select.h>
#include <sys/wait.h>

#include "test/support/channels.h"
#include "test/support/child_process.h"
#include "test/support/scale.h"
#include "test/support/transfers.h"

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
ssize_t __getdelim(char**, size_t*, int, FILE*);
int _IO_fclose(FILE*);
FILE* _IO_fdopen(int, const char*);
int _IO_fflush(FILE*);
char* _IO_fgets(char*, int, FILE*);
int _IO_fprintf(FILE*, const char*, ...);
int _IO_fputs(const char*, FILE*);
size_t _IO_fread(void*, size_t, size_t, FILE*);
int _IO_ftrylockfile(FILE*);
void _IO_funlockfile(FILE*);
size_t _IO_fwrite(const void*, size_t, size_t, FILE*);
int _IO_getc(FILE*);
FILE* _IO_popen(const char*, const char*);
int _IO_putc(int, FILE*);
int _IO_setvbuf(FILE*, char*, int, size_t);
int _IO_ungetc(int, FILE*);
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
    {"OfWritingToStreams", "0, put, 1, 97, 3, 0, 0, 6 bcadef",
     [](Session& session) {
       const Ends ends = pipe_ends(session);
       FILE* stream = session.either("_IO_fdopen", ::_IO_fdopen)(dup(ends.writer), "w");
       session.call(session.either("_IO_ftrylockfile", ::_IO_ftrylockfile), stream);
       session.either("_IO_funlockfile", ::_IO_funlockfile)(stream);
       session.note_if(session.either("_IO_fputs", ::_IO_fputs)("b", stream) > 0, "put");
       session.note(std::to_string(session.either("_IO_fwrite", ::_IO_fwrite)("cc", 1, 1, stream)));
       session.call(session.either("_IO_putc", ::_IO_putc), 'a', stream);
       session.measure(
           [&] { return session.either("_IO_fprintf", ::_IO_fprintf)(stream, "%s", "def"); });
       session.call(session.either("_IO_fflush", ::_IO_fflush), stream);
       session.call(session.either("_IO_setvbuf", ::_IO_setvbuf), stream, nullptr, _IONBF, 0);
       try_read(session, ends.reader);
       fclose(stream);
     }},
    {"OfReadingFromStreams", "97, 97, ab, 2 cd, 2, right",
     [](Session& session) {
       const Ends ends = pipe_ends(session);
       const auto write = session.libc.write;
       session.meanwhile([write, ends] { write(ends.writer, "ab\ncde:", 7); });
       FILE* stream = session.either("_IO_fdopen", ::_IO_fdopen)(dup(ends.reader), "r");
       session.call(session.either("_IO_getc", ::_IO_getc), stream);
       session.call(session.either("_IO_ungetc", ::_IO_ungetc), 'a', stream);
       char room[10] = {};
       EXPECT_NE(session.either("_IO_fgets", ::_IO_fgets)(room, 10, stream), nullptr);
       session.note(std::string(room, 2));
       session.note(std::to_string(session.either("_IO_fread", ::_IO_fread)(room, 1, 2, stream)));
       session.append(std::string(room, 2));
       char* line = nullptr;
       std::size_t size = 0;
       session.call(session.either("__getdelim", ::__getdelim), &line, &size, ':', stream);
       session.note_if(std::string(line) == "e:", "right");
       free(line);
       fclose(stream);
     }},
};

class AliasParity : public testing::TestWithParam<ParityCase> {};

TEST_P(AliasParity, HoldsInEveryWay) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Aliases, AliasParity, testing::ValuesIn(kAliases),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

TEST(Alias, OfVforkLetsTheChildRunFirst) {
  if (in_valgrind()) GTEST_SKIP() << "Valgrind forks where the program calls vfork";
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
