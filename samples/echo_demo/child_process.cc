#include "samples/echo_demo/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace echo_demo {
namespace {

using Clock = std::chrono::steady_clock;

/// What a child does before it becomes the program.
[[noreturn]] void become(const std::vector<char*>& arguments, std::optional<int> core, int output,
                         pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);  // it ended before the line above
  if (core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<unsigned>(*core), &set);
    sched_setaffinity(0, sizeof set, &set);
  }
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  execv(arguments[0], arguments.data());
  const std::string message = std::string("cannot be started: ") + std::strerror(errno) + "\n";
  if (write(STDERR_FILENO, message.data(), message.size()) < 0) _exit(126);
  _exit(127);
}

std::string without_newline(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& command, std::optional<int> core)
    : name_(command.at(0)) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no descriptor for a pipe");
  output_ = ends[0];
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) become(arguments, core, ends[1], parent);
  close(ends[1]);
  if (pid_ > 0) return;
  close(output_);
  throw std::runtime_error("cannot start a process");
}

ChildProcess::~ChildProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    wait_for_status();
  }
  close(output_);
}

int ChildProcess::wait_for_status() {
  int status = 0;
  const pid_t pid = std::exchange(pid_, -1);
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

bool ChildProcess::read_some(std::chrono::milliseconds timeout) {
  pollfd readable{output_, POLLIN, 0};
  if (at_end_ || poll(&readable, 1, static_cast<int>(timeout.count())) <= 0) return !at_end_;
  char bytes[4096];
  const ssize_t size = read(output_, bytes, sizeof bytes);
  if (size > 0) unread_.append(bytes, static_cast<std::size_t>(size));
  at_end_ = size == 0;
  return !at_end_;
}

std::string ChildProcess::read_line(std::chrono::seconds timeout) {
  const auto deadline = Clock::now() + timeout;
  for (;;) {
    const auto end = unread_.find('\n');
    if (end != std::string::npos) {
      std::string line = unread_.substr(0, end);
      unread_.erase(0, end + 1);
      return line;
    }
    if (!read_some(std::chrono::milliseconds(50)) || Clock::now() > deadline) {
      throw std::runtime_error(name_ + " ended, or printed nothing in time: " + unread_);
    }
  }
}

bool ChildProcess::has_ended() {
  return !read_some(std::chrono::milliseconds(0));
}

int ChildProcess::await_end(std::chrono::seconds timeout) {
  const auto deadline = Clock::now() + timeout;
  while (read_some(std::chrono::milliseconds(50))) {
    if (Clock::now() > deadline) throw std::runtime_error(name_ + " does not end");
  }
  const int status = wait_for_status();
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string ChildProcess::finish(std::chrono::seconds timeout) {
  if (await_end(timeout) != 0) {
    throw std::runtime_error(name_ + " failed: " + without_newline(unread_));
  }
  return take_output();
}

std::string ChildProcess::take_output() {
  return std::exchange(unread_, {});
}

}  // namespace echo_demo
