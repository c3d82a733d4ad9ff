// A program that runs as a child and never outlives this one.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace echo_demo {

/// Its standard output and error go to a pipe that this object reads. To be made and destroyed by
/// the thread that runs main: the kernel kills the child when its starter's thread ends, however
/// that comes about. Failures are std::runtime_error, with a sentence for the user.
class ChildProcess {
 public:
  /// Starts `command`, a path and arguments; with `core` given, on this core only.
  ChildProcess(const std::vector<std::string>& command, std::optional<int> core);
  /// Kills it, unless it has ended.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  /// The next line that it prints, without the newline. Fails when it ends or takes too long.
  std::string read_line(std::chrono::seconds timeout);
  /// True when it has closed its output, which it does by ending.
  bool has_ended();
  /// Awaits its end: the exit status, or 128 plus the signal that ended it. Fails when it takes too
  /// long.
  int await_end(std::chrono::seconds timeout);
  /// Awaits its end and returns what else it printed. Fails when its exit status is not 0, too.
  std::string finish(std::chrono::seconds timeout);
  /// What it has printed and nobody has taken yet.
  std::string take_output();

 private:
  /// Reads once if something comes within `timeout`. False at the end of the output.
  bool read_some(std::chrono::milliseconds timeout);
  int wait_for_status();

  const std::string name_;
  pid_t pid_ = -1;
  int output_ = -1;
  bool at_end_ = false;
  std::string unread_;
};

}  // namespace echo_demo
