// Programs that coroutines start, by fork and exec, vfork, posix_spawn or popen: they find their
// descriptors as blocking as the program left them, nothing of ours, and the parent's coroutines
// go on as before.
#include <gtest/gtest.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <string>

#include "test/support/channels.h"
#include "test/support/child_process.h"
#include "test/support/descriptors.h"
#include "test/support/run_in_session.h"
#include "test/support/scale.h"

extern char** environ;

namespace colibri::test {
namespace {

/// A command that says the flags of a descriptor that it has inherited.
std::string command_for_flags(int descriptor) {
  return "sed -n 's/^flags:[[:space:]]*//p' /proc/self/fdinfo/" + std::to_string(descriptor);
}

bool says_nonblocking(const std::string& octal_flags) {
  EXPECT_FALSE(octal_flags.empty());
  return (strtol(octal_flags.c_str(), nullptr, 8) & O_NONBLOCK) != 0;
}

/// What is left of `stream`, which is then closed.
std::string read_all(FILE* stream) {
  std::string text;
  for (int next; (next = fgetc(stream)) != EOF;) text += static_cast<char>(next);
  pclose(stream);
  return text;
}

/// Descriptors on which a coroutine has waited, and waits.
class ChildPrograms : public testing::Test {
 protected:
  /// While `body` runs, a coroutine waits on the reader of `ends`; afterwards it gets its byte.
  static void while_another_waits(Session& session, const Ends& ends,
                                  const std::function<void()>& body) {
    auto other = spawn([&] { return take(session, ends.reader, 2); });
    usleep(1000);
    body();
    put(session, ends.writer, "x\n");  // a terminal wants lines
    EXPECT_EQ(other.join(), "x\n");
  }
};

TEST_F(ChildPrograms, StartedByPopenFindTheirInputBlocking) {
  for (const auto& open : {pipe_ends, unix_stream_ends, tcp_ends, terminal_ends}) {
    run_in_session([&](Session& session) {
      const Ends ends = open(session);
      const std::string command = command_for_flags(ends.reader);
      while_another_waits(session, ends, [&] {
        EXPECT_FALSE(says_nonblocking(read_all(popen(command.c_str(), "r"))));
      });
    });
  }
}

/// Starts `true` after closing everything but the standard streams, and returns its exit status.
int vfork_and_close_all(const char* program) {
  const pid_t child = vfork();
  if (child == 0) {
    for (int number = 3; number < 300; ++number) close(number);
    closefrom(300);
    dup2(2, 5);
    execl(program, program, static_cast<char*>(nullptr));
    _exit(77);
  }
  return child < 0 ? -1 : exit_status_of(child);
}

TEST_F(ChildPrograms, OfVforkCloseWhatIsTheirsAlone) {
  if (in_valgrind()) GTEST_SKIP() << "Valgrind forks where the program calls vfork";
  run_in_session([](Session& session) {
    const Ends ends = tcp_ends(session);
    set_timeout(session, ends.reader, SO_RCVTIMEO, 60'000'000);
    while_another_waits(session, ends, [&] {
      EXPECT_EQ(vfork_and_close_all("/bin/true"), 0);
      EXPECT_EQ(vfork_and_close_all("/bin/false"), 1);
      EXPECT_EQ(vfork_and_close_all("/nothing/there"), 77);
    });
    usleep(100);  // hooks park again
  });
  EXPECT_EQ(vfork_and_close_all("/bin/true"), 0) << "in a plain thread";
}

TEST_F(ChildPrograms, OfVforkShareMemoryUntilTheyExec) {
  if (in_valgrind()) GTEST_SKIP() << "Valgrind forks where the program calls vfork";
  run_in_session([](Session&) {
    int volatile seen = 0;
    const pid_t child = vfork();
    if (child == 0) {
      seen = 5;
      _exit(3);
    }
    EXPECT_EQ(seen, 5);
    EXPECT_EQ(exit_status_of(child), 3);
  });
}

TEST_F(ChildPrograms, StartedByPosixSpawnInheritNothingOfOurs) {
  run_in_session([](Session& session) {
    const Ends ends = tcp_ends(session);
    while_another_waits(session, ends, [&] {
      int output[2];
      ASSERT_EQ(pipe2(output, O_CLOEXEC), 0);
      posix_spawn_file_actions_t actions;
      posix_spawn_file_actions_init(&actions);
      posix_spawn_file_actions_adddup2(&actions, output[1], 1);
      const char* const arguments[] = {"sh", "-c", "ls -l /proc/self/fd", nullptr};
      pid_t child = 0;
      ASSERT_EQ(posix_spawn(&child, "/bin/sh", &actions, nullptr,
                            const_cast<char* const*>(arguments), environ),
                0);
      posix_spawn_file_actions_destroy(&actions);
      close(output[1]);
      const std::string listing = take(session, output[0], 100'000);
      EXPECT_EQ(exit_status_of(child), 0);
      EXPECT_EQ(listing.find("anon_inode"), std::string::npos) << listing;
      close(output[0]);
    });
  });
}

TEST_F(ChildPrograms, OfForkAndExecShareATerminalThatBlocks) {
  run_in_session([](Session& session) {
    const Ends ends = terminal_ends(session);
    while_another_waits(session, ends, [] {});
    // A shell that shares the terminal afterwards, and reads from it.
    const pid_t child = fork();
    if (child == 0) {
      dup2(ends.reader, 0);
      dup2(ends.reader, 1);
      execl("/bin/sh", "sh", "-c", "read line && echo \"got $line\"", static_cast<char*>(nullptr));
      _exit(77);
    }
    usleep(20'000);  // it waits by now
    put(session, ends.writer, "hello\n");
    EXPECT_EQ(exit_status_of(child), 0);
    EXPECT_NE(take(session, ends.writer, 9).find("got hello"), std::string::npos);
    EXPECT_EQ(real::fcntl(ends.reader, F_GETFL) & O_NONBLOCK, 0);
  });
}

TEST_F(ChildPrograms, AreLeftAloneByDescriptorsThatCannotExec) {
  run_in_session([](Session& session) {
    const Ends ends = tcp_ends(session);
    while_another_waits(session, ends, [] {
      EXPECT_EQ(execl("/nothing/there", "x", static_cast<char*>(nullptr)), -1);
      EXPECT_EQ(errno, ENOENT);
    });
  });
}

}  // namespace
}  // namespace colibri::test
