// A vfork's child shares its parent's memory: however it ends, the parent's books are right.
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "colibri/core/sleep.h"
#include "test/support/channels.h"
#include "test/support/child_process.h"
#include "test/support/run_in_session.h"
#include "test/support/scale.h"

namespace colibri::test {
namespace {

/// Another coroutine's byte is waited for by parking; so the hooks are on, and their books are
/// kept.
void expect_hooks_to_work(Session& session) {
  const Ends ends = pipe_ends(session);
  auto other = spawn([&session, end = ends.writer] { put(session, end, "x"); });
  EXPECT_EQ(take(session, ends.reader, 1), "x");
  other.join();
  set_nonblocking(session, ends.reader);
  char byte;
  EXPECT_EQ(read(ends.reader, &byte, 1), -1);
  EXPECT_EQ(errno, EAGAIN);
}

/// What the tracer sees of its child next.
int next_status(pid_t& process) {
  int status = 0;
  process = real::waitpid(-1, &status, __WALL);
  return status;
}

/// Traces the child `parent`, and kills all that it makes by vfork before they have run at all. The
/// parent's exit status.
int kill_children_of(pid_t parent, int& killed) {
  pid_t process = 0;
  for (bool begun = false;;) {
    const int status = next_status(process);
    if (process < 0) return -1;
    if (process == parent && !WIFSTOPPED(status)) {
      return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    }
    if (!WIFSTOPPED(status)) continue;
    if (process != parent) {
      kill(process, SIGKILL);
      ++killed;
      continue;
    }
    if (!begun) ptrace(PTRACE_SETOPTIONS, parent, nullptr, PTRACE_O_TRACEVFORK);
    begun = true;
    const bool is_own_signal = WSTOPSIG(status) != SIGTRAP && WSTOPSIG(status) != SIGSTOP;
    ptrace(PTRACE_CONT, parent, nullptr, is_own_signal ? WSTOPSIG(status) : 0);
  }
}

/// Calls vfork in a coroutine, whose child would end with status 0. Returns what is wrong.
int outcome_of_vfork() {
  run_with_session_in_main([](Session& session) {
    expect_hooks_to_work(session);
    const pid_t child = vfork();
    if (child == 0) _exit(0);
    EXPECT_GT(child, 0);
    expect_hooks_to_work(session);
  });
  return testing::Test::HasFailure() ? 1 : 0;
}

TEST(Vfork, LeavesTheHooksOn) {
  EXPECT_EQ(outcome_of_vfork(), 0);
  EXPECT_GT(real::waitpid(-1, nullptr, 0), 0);
}

TEST(Vfork, WhoseChildIsKilledBeforeItRunsLeavesTheHooksOn) {
  if (in_valgrind()) GTEST_SKIP() << "Valgrind forks where the program calls vfork";
  flush_before_fork();
  const pid_t parent = fork();
  if (parent == 0) {
    alarm(20);
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    raise(SIGSTOP);
    _exit(outcome_of_vfork());
  }
  int killed = 0;
  EXPECT_EQ(kill_children_of(parent, killed), 0);
  EXPECT_EQ(killed, 1);
}

TEST(Vfork, InAVforksChildLeavesTheHooksOn) {
  run_with_session_in_main([](Session& session) {
    const pid_t child = vfork();
    if (child == 0) {
      const pid_t grandchild = vfork();
      if (grandchild == 0) _exit(0);
      _exit(grandchild > 0 ? 0 : 1);
    }
    expect_hooks_to_work(session);
    EXPECT_EQ(exit_status_of(child), 0);
  });
}

}  // namespace
}  // namespace colibri::test
