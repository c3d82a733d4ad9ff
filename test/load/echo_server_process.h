// The sample server and the sample load tester as processes, for tests that kill, starve and flood
// them. No colibri in the test itself: what is tested is what users run.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "samples/echo_demo/child_process.h"

namespace colibri::test {

/// No test waits longer for anything. It only ends what hangs: nothing is judged by time.
inline constexpr std::chrono::seconds kHang{60};

/// Looks at `condition` until it is true; false when it hangs.
bool wait_until(const std::function<bool()>& condition);

/// An echo server on a free port: echo_server_posix, unless told otherwise.
class EchoServerProcess {
 public:
  /// `command`: a sample's name, and options.
  explicit EchoServerProcess(const std::vector<std::string>& command = {"echo_server_posix"});

  int port() const { return port_; }
  pid_t pid() const { return process_.pid(); }
  echo_demo::ChildProcess& process() { return process_; }

  /// Waits until it has this many connections; false when it hangs.
  bool await_connections(std::size_t number) const;

 private:
  echo_demo::ChildProcess process_;
  int port_;
  std::size_t sockets_at_rest_;  // before anybody connected
};

/// load_test against a server.
class LoadTester {
 public:
  struct Outcome {
    int status;             // exit status, or 128 plus the signal
    nlohmann::json report;  // as load_test prints it; null if it printed none
    std::string complaint;  // what stood on stderr
  };

  LoadTester(const EchoServerProcess& server, std::size_t connections,
             const std::vector<std::string>& options);

  pid_t pid() const { return process_.pid(); }
  bool has_ended() { return process_.has_ended(); }
  Outcome await_end();

 private:
  echo_demo::ChildProcess process_;
};

/// How many connections were lost, refused, got a wrong byte, and so on.
std::size_t errors_in(const nlohmann::json& report);

/// A tester ended well: every connection was opened, every message answered, every byte right.
void expect_flawless(const LoadTester::Outcome& outcome, std::size_t connections);

}  // namespace colibri::test
