// waitpid and its kin, system, popen and pclose give what libc gives; meanwhile others run.
#include <gtest/gtest.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <atomic>

#include "test/support/channels.h"
#include "test/support/child_process.h"
#include "test/support/run_in_session.h"

namespace colibri::test {
namespace {

/// A child that ends with `status` when its `gate` is closed or has a byte.
struct Child {
  pid_t process;
  int gate;

  void let_go(Session& session) const { put(session, gate, "x"); }
};

Child child(
    Session& session, int status = 3, void (*begin)() = [] {}) {
  int ends[2];
  EXPECT_EQ(real::pipe2(ends, O_CLOEXEC), 0);
  flush_before_fork();
  const pid_t process = fork();
  if (process == 0) {
    real::close(ends[1]);
    char byte;
    real::read(ends[0], &byte, 1);
    begin();
    _exit(status);
  }
  real::close(ends[0]);
  return {process, session.own(ends[1])};
}

/// One that stops for its parent before it ends.
Child traced_child(Session& session) {
  return child(session, 3, [] {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    raise(SIGSTOP);
  });
}

void note_status(Session& session, int status) {
  if (WIFEXITED(status)) session.note("exit " + std::to_string(WEXITSTATUS(status)));
  if (WIFSIGNALED(status)) session.note("signal " + std::to_string(WTERMSIG(status)));
  if (WIFSTOPPED(status)) session.note("stopped");
  if (WIFCONTINUED(status)) session.note("continued");
}

/// Notes whether a call has returned this child.
void note_child(Session& session, pid_t result, const Child& expected) {
  if (result == expected.process) {
    session.note("child");
  } else {
    session.note(std::to_string(result) + " " + strerrorname_np(errno));
  }
}

const ParityCase kWaits[] = {
    {"ForAChild", "child, exit 3, -1 ECHILD",
     [](Session& session) {
       const auto waitpid = session.either("waitpid", ::waitpid);
       const Child one = child(session);
       session.meanwhile([&session, one] { one.let_go(session); });
       int status = 0;
       note_child(session, waitpid(one.process, &status, 0), one);
       note_status(session, status);
       session.call(waitpid, one.process, &status, 0);
     }},
    {"ForAChildThatHasEnded", "child, exit 3",
     [](Session& session) {
       const Child one = child(session);
       one.let_go(session);
       siginfo_t info{};
       waitid(P_PID, static_cast<id_t>(one.process), &info, WEXITED | WNOWAIT);
       int status = 0;
       note_child(session, session.either("waitpid", ::waitpid)(one.process, &status, 0), one);
       note_status(session, status);
     }},
    {"ForAnyChild", "child, exit 4, child, exit 5, -1 ECHILD",
     [](Session& session) {
       const auto wait = session.either("wait", ::wait);
       const Child one = child(session, 4);
       const Child two = child(session, 5);
       int status = 0;
       session.meanwhile([&session, one] { one.let_go(session); });
       note_child(session, wait(&status), one);
       note_status(session, status);
       session.finish_helpers();
       session.meanwhile([&session, two] { two.let_go(session); });
       note_child(session, session.either("waitpid", ::waitpid)(-1, &status, 0), two);
       note_status(session, status);
       session.call(wait, nullptr);
     }},
    {"ForAChildOfTheGroup", "child, exit 3, -1 ECHILD, -1 ESRCH",
     [](Session& session) {
       const auto waitpid = session.either("waitpid", ::waitpid);
       const Child one = child(session);
       session.meanwhile([&session, one] { one.let_go(session); });
       int status = 0;
       note_child(session, waitpid(0, &status, 0), one);
       note_status(session, status);
       session.call(waitpid, -999'999, &status, 0);
       session.call(waitpid, -2147483647 - 1, &status, 0);
     }},
    {"ForAChildThatIsKilled", "child, signal 9",
     [](Session& session) {
       const Child one = child(session);
       session.meanwhile([one] { kill(one.process, SIGKILL); });
       int status = 0;
       note_child(session, session.either("waitpid", ::waitpid)(one.process, &status, 0), one);
       note_status(session, status);
     }},
    {"ForAChildThatStops", "child, stopped, child, continued, child, exit 3",
     [](Session& session) {
       const auto waitpid = session.either("waitpid", ::waitpid);
       const Child one = child(session);
       int status = 0;
       session.meanwhile([one] { kill(one.process, SIGSTOP); });
       note_child(session, waitpid(one.process, &status, WUNTRACED), one);
       note_status(session, status);
       session.finish_helpers();
       session.meanwhile([one] { kill(one.process, SIGCONT); });
       note_child(session, waitpid(one.process, &status, WCONTINUED), one);
       note_status(session, status);
       session.finish_helpers();
       session.meanwhile([&session, one] { one.let_go(session); });
       note_child(session, waitpid(one.process, &status, 0), one);
       note_status(session, status);
     }},
    {"ForAChildThatIsTraced", "child, stopped, child, exit 3",
     [](Session& session) {
       const auto waitpid = session.either("waitpid", ::waitpid);
       const Child one = traced_child(session);
       session.meanwhile([&session, one] { one.let_go(session); });
       int status = 0;
       note_child(session, waitpid(one.process, &status, 0), one);
       note_status(session, status);
       session.finish_helpers();
       ptrace(PTRACE_CONT, one.process, nullptr, nullptr);
       note_child(session, waitpid(one.process, &status, 0), one);
       note_status(session, status);
     }},
    {"NotAtAll", "0, child",
     [](Session& session) {
       const auto waitpid = session.either("waitpid", ::waitpid);
       const Child one = child(session);
       session.call(waitpid, one.process, nullptr, WNOHANG);
       one.let_go(session);
       note_child(session, waitpid(one.process, nullptr, 0), one);
     }},
    {"WithUsage", "child, exit 3, used, child, exit 3, used",
     [](Session& session) {
       rusage usage{};
       int status = 0;
       const Child one = child(session);
       session.meanwhile([&session, one] { one.let_go(session); });
       note_child(session, session.either("wait4", ::wait4)(one.process, &status, 0, &usage), one);
       note_status(session, status);
       session.note_if(usage.ru_maxrss > 0, "used");
       session.finish_helpers();
       usage = {};
       const Child two = child(session);
       session.meanwhile([&session, two] { two.let_go(session); });
       note_child(session, session.either("wait3", ::wait3)(&status, 0, &usage), two);
       note_status(session, status);
       session.note_if(usage.ru_maxrss > 0, "used");
     }},
    {"ById", "0, right, 0, right, 0, -1 ECHILD",
     [](Session& session) {
       const auto waitid = session.either("waitid", ::waitid);
       const Child one = child(session);
       const auto id = static_cast<id_t>(one.process);
       siginfo_t info{};
       const auto right = [&] {
         session.note_if(
             info.si_pid == one.process && info.si_status == 3 && info.si_code == CLD_EXITED,
             "right");
       };
       session.meanwhile([&session, one] { one.let_go(session); });
       session.call(waitid, P_PID, id, &info, WEXITED | WNOWAIT);
       right();
       info = {};
       session.call(waitid, P_ALL, 0, &info, WEXITED | WNOWAIT);
       right();
       session.call(waitid, P_PID, id, nullptr, WEXITED);
       session.call(waitid, P_PID, id, &info, WEXITED);
     }},
    {"Errors", "-1 EINVAL, -1 EINVAL, -1 ECHILD, -1 EBADF, -1 ECHILD",
     [](Session& session) {
       siginfo_t info{};
       session.call(session.either("waitpid", ::waitpid), -1, nullptr, 1 << 20);
       session.call(session.either("waitid", ::waitid), P_ALL, 0, &info, 0);
       session.call(session.either("waitid", ::waitid), P_PID, static_cast<id_t>(getpid()), &info,
                    WEXITED);
       session.call(session.either("waitid", ::waitid), P_PIDFD, 9999, &info, WEXITED);
       session.call(session.either("waitpid", ::waitpid), getpid(), nullptr, 0);
     }},
};

constinit std::atomic<int> pipe_signals{0};

/// Notes a command's status, and that a coroutine could run meanwhile.
const ParityCase kShells[] = {
    {"System", "exit 7, exit 0, exit 127, signal 15, 1",
     [](Session& session) {
       const auto system = session.either("system", ::system);
       note_status(session, system("exit 7"));
       note_status(session, system("sleep 0.01"));
       note_status(session, system("exec /nothing/there 2>/dev/null"));
       note_status(session, system("kill -TERM $$"));
       session.note(std::to_string(system(nullptr)));
     }},
    {"SystemLeavesSignalsAlone", "exit 0, same mask, same actions",
     [](Session& session) {
       sigset_t before;
       sigset_t after;
       struct sigaction interrupt_before {};
       struct sigaction interrupt_after {};
       pthread_sigmask(SIG_SETMASK, nullptr, &before);
       sigaction(SIGINT, nullptr, &interrupt_before);
       note_status(session, session.either("system", ::system)("true"));
       pthread_sigmask(SIG_SETMASK, nullptr, &after);
       sigaction(SIGINT, nullptr, &interrupt_after);
       session.note_if(sigismember(&before, SIGCHLD) == sigismember(&after, SIGCHLD), "same mask");
       session.note_if(interrupt_before.sa_handler == interrupt_after.sa_handler, "same actions");
     }},
    {"PopenToRead", "hello, exit 5",
     [](Session& session) {
       FILE* stream = session.either("popen", ::popen)("echo hello; exit 5", "r");
       char line[100] = {};
       EXPECT_NE(fgets(line, sizeof line, stream), nullptr);
       session.note(std::string(line, 5));
       note_status(session, session.either("pclose", ::pclose)(stream));
     }},
    {"PcloseWaits", "exit 3",
     [](Session& session) {
       FILE* stream = session.either("popen", ::popen)("read line; exit $line", "w");
       fputs("3\n", stream);
       note_status(session, session.either("pclose", ::pclose)(stream));
     }},
    {"PcloseOfABrokenPipe", "-1 EPIPE, 1 signal",
     [](Session& session) {
       struct sigaction action {};
       struct sigaction before {};
       action.sa_flags = SA_RESTART;
       action.sa_handler = [](int) { ++pipe_signals; };
       pipe_signals = 0;
       session.libc.sigaction(SIGPIPE, &action, &before);
       FILE* stream = session.either("popen", ::popen)("exec true", "w");
       pollfd until_broken{fileno(stream), 0, 0};
       real::poll(&until_broken, 1, -1);
       fputs("for nobody\n", stream);
       session.call(session.either("pclose", ::pclose), stream);
       session.note(std::to_string(pipe_signals) + " signal");
       session.libc.sigaction(SIGPIPE, &before, nullptr);
     }},
    {"PopenErrors", "no stream EINVAL",
     [](Session& session) {
       errno = 0;
       FILE* stream = session.either("popen", ::popen)("true", "x");
       session.note(stream == nullptr ? "no stream" : "a stream");
       session.append(strerrorname_np(errno));
     }},
};

class ProcessParity : public testing::TestWithParam<ParityCase> {};

TEST_P(ProcessParity, HoldsInEveryWay) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Waits, ProcessParity, testing::ValuesIn(kWaits),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Shells, ProcessParity, testing::ValuesIn(kShells),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

TEST(Processes, OthersRunWhileACoroutineWaits) {
  run_in_session([](Session& session) {
    // Each of these can only end when another coroutine goes on.
    const Child one = child(session);
    session.meanwhile([&session, one] { one.let_go(session); });
    EXPECT_EQ(waitpid(one.process, nullptr, 0), one.process);
    session.finish_helpers();
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const std::string command = "read line </proc/self/fd/" + std::to_string(ends[0]);
    session.own(ends[0]);
    session.own(ends[1]);
    session.meanwhile([&session, end = ends[1]] { put(session, end, "x\n"); });
    EXPECT_EQ(system(command.c_str()), 0);
    session.finish_helpers();
    FILE* stream = popen(command.c_str(), "w");
    session.meanwhile([&session, end = ends[1]] { put(session, end, "x\n"); });
    EXPECT_EQ(pclose(stream), 0);
    session.finish_helpers();
  });
}

TEST(Processes, TimeLimitAndCancelEndWaits) {
  run_in_session([](Session& session) {
    const Child one = child(session);
    for (const pid_t process : {one.process, pid_t{-1}}) {
      {
        TimeLimit limit(std::chrono::milliseconds(5));
        EXPECT_EQ(waitpid(process, nullptr, 0), -1);
        EXPECT_EQ(errno, ETIMEDOUT);
      }
      int error = 0;
      auto task = spawn([&error, process] {
        EXPECT_EQ(waitpid(process, nullptr, 0), -1);
        error = errno;
      });
      usleep(1000);
      task.cancel();
      task.join();
      EXPECT_EQ(error, ECANCELED);
    }
    {
      TimeLimit limit(std::chrono::milliseconds(20));
      EXPECT_EQ(system("exec sleep 100"), -1);
      EXPECT_EQ(errno, ETIMEDOUT);
    }
    one.let_go(session);
    EXPECT_EQ(wait(nullptr), one.process) << "the only child: what system began has been reaped";
    EXPECT_EQ(wait(nullptr), -1);
  });
}

TEST(Processes, AHandlerInterruptsAWait) {
  run_in_session([](Session& session) {
    const Child one = child(session);
    struct sigaction action {};
    struct sigaction before {};
    action.sa_handler = [](int) {};
    sigaction(SIGUSR1, &action, &before);
    session.meanwhile([&session] { session.raise_there(SIGUSR1); });
    EXPECT_EQ(waitpid(one.process, nullptr, 0), -1);
    EXPECT_EQ(errno, EINTR);
    session.finish_helpers();
    sigaction(SIGUSR1, &before, nullptr);
    one.let_go(session);
    EXPECT_EQ(waitpid(one.process, nullptr, 0), one.process);
  });
}

TEST(Processes, ManyWaitAtOnce) {
  run_in_session([](Session& session) {
    std::vector<Child> children;
    std::vector<Task<void>> tasks;
    for (int i = 0; i < 30; ++i) children.push_back(child(session, i));
    for (int i = 0; i < 30; ++i) {
      tasks.push_back(spawn([process = children[static_cast<std::size_t>(i)].process, i] {
        int status = 0;
        EXPECT_EQ(waitpid(process, &status, 0), process);
        EXPECT_EQ(WEXITSTATUS(status), i);
      }));
    }
    usleep(1000);
    for (auto each = children.rbegin(); each != children.rend(); ++each) each->let_go(session);
    for (auto& task : tasks) task.join();
  });
}

}  // namespace
}  // namespace colibri::test
