// Servers and tools as Debian ships them, as children of a test. Nothing here goes by colibri: it
// is to be used by the thread that runs main, before and after colibri::run.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "test/clients/temporary_folder.h"

namespace colibri::test {

/// No test waits longer for anything. It only ends what hangs: nothing is judged by time.
inline constexpr std::chrono::seconds kHang{50};

using Command = std::vector<std::string>;

/// Runs a command (a path and arguments) to its end, as the servers' user if this process is root.
/// Throws std::runtime_error with what it printed unless its exit status is 0.
void run_to_end(const TemporaryFolder& folder, const Command& command);

/// How a server is started.
struct ServerOptions {
  /// The command, for a port that was free a moment ago. It must not go into the background.
  std::function<Command(int port)> command;
  /// What the server prints when it is ready; empty: it is when it accepts connections.
  std::string ready = {};
  /// What stops it in good order.
  int stop_signal = SIGTERM;
};

/// One that listens on 127.0.0.1. What it prints goes to the file "log" of its folder. The kernel
/// stops it when the thread that made it ends, however that comes about.
class ServerProcess {
 public:
  /// Starts it and waits until it is ready; tries other ports if that fails. Throws
  /// std::runtime_error, with what it printed.
  ServerProcess(const TemporaryFolder& folder, const ServerOptions& options);
  /// Stops it, and kills it if it does not.
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  int port() const { return port_; }
  std::string port_text() const { return std::to_string(port_); }
  pid_t pid() const { return pid_; }
  std::string log() const { return folder_.read("log"); }

 private:
  bool start(const ServerOptions& options);
  bool is_ready(const std::string& ready) const;
  bool has_ended();

  const TemporaryFolder& folder_;
  const int stop_signal_;
  int port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace colibri::test
