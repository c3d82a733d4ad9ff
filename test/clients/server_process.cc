#include "test/clients/server_process.h"

#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>
#include <stdexcept>
#include <thread>

#include "test/clients/server_user.h"

namespace colibri::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPause{10};

/// What a child does before it becomes the program.
[[noreturn]] void become(const std::vector<char*>& arguments, const std::string& folder,
                         int stop_signal, pid_t parent) {
  // Into the folder, since the servers' user may have no right to the present one.
  if (chdir(folder.c_str()) != 0) _exit(126);
  const int output = open("log", O_WRONLY | O_CREAT | O_APPEND, 0666);
  const int input = open("/dev/null", O_RDONLY);
  if (output < 0 || input < 0) _exit(126);
  dup2(input, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  if (runs_as_root()) {
    fchown(output, kServerUser, kServerGroup);
    if (setgroups(0, nullptr) != 0 || setgid(kServerGroup) != 0 || setuid(kServerUser) != 0) {
      _exit(126);
    }
  }
  // After the change of user, which would undo it.
  prctl(PR_SET_PDEATHSIG, stop_signal);
  if (getppid() != parent) _exit(126);  // it ended before the line above
  execv(arguments[0], arguments.data());
  _exit(127);
}

pid_t start_process(const TemporaryFolder& folder, const Command& command, int stop_signal) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) become(arguments, folder.path(), stop_signal, parent);
  if (child < 0) throw std::runtime_error("cannot start " + command.at(0));
  return child;
}

sockaddr_in loopback_address(int port) {
  return {AF_INET, htons(static_cast<in_port_t>(port)), {htonl(INADDR_LOOPBACK)}, {}};
}

/// Others may take it before the server does, which then ends.
int free_port() {
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback_address(0);
  socklen_t size = sizeof address;
  const bool found = bind(probe, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                     getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  close(probe);
  if (!found) throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

bool accepts_connections(int port) {
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback_address(port);
  const bool connected =
      connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(probe);
  return connected;
}

/// Whether `condition` came true before the test is taken to hang.
template <class Condition>
bool becomes_true(Condition condition) {
  const auto deadline = Clock::now() + kHang;
  while (!condition()) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(kPause);
  }
  return true;
}

}  // namespace

void run_to_end(const TemporaryFolder& folder, const Command& command) {
  const pid_t child = start_process(folder, command, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw std::runtime_error(command.at(0) + " failed: " + folder.read("log"));
  }
}

ServerProcess::ServerProcess(const TemporaryFolder& folder, const ServerOptions& options)
    : folder_(folder), stop_signal_(options.stop_signal) {
  constexpr int kPorts = 5;
  for (int i = 0; i < kPorts; ++i) {
    if (start(options)) return;
  }
  throw std::runtime_error(options.command(0).at(0) + " does not start: " + log());
}

ServerProcess::~ServerProcess() {
  kill(pid_, stop_signal_);
  kill(pid_, SIGCONT);  // a test may have stopped it
  if (becomes_true([&] { return has_ended(); })) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool ServerProcess::start(const ServerOptions& options) {
  port_ = free_port();
  pid_ = start_process(folder_, options.command(port_), stop_signal_);
  bool ended = false;
  const bool settled = becomes_true([&] {
    ended = has_ended();
    return ended || is_ready(options.ready);
  });
  if (settled && !ended) return true;
  if (!ended) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  return false;
}

bool ServerProcess::is_ready(const std::string& ready) const {
  if (ready.empty()) return accepts_connections(port_);
  return log().find(ready) != std::string::npos;
}

bool ServerProcess::has_ended() {
  return waitpid(pid_, nullptr, WNOHANG) == pid_;
}

}  // namespace colibri::test
