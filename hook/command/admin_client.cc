#include "hook/command/admin_client.h"

#include <dirent.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace colibri {
namespace {

constexpr std::string_view kGreeting = "colibri admin 1\n";
constexpr std::string_view kSuccess = "ok\n";
constexpr std::string_view kFailure = "error: ";
constexpr int kGreetingMilliseconds = 5000;
constexpr int kAnswerMilliseconds = 60'000;

/// A connection; closed at its end.
class Connection {
 public:
  explicit Connection(const std::string& path)
      : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) throw std::runtime_error(path + ": too long");
    std::memcpy(address.sun_path, path.data(), path.size());
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      const int error = errno;
      ::close(socket_);
      throw std::runtime_error(path + ": " + std::strerror(error));
    }
  }
  ~Connection() { ::close(socket_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool is_greeted() { return receive(kGreeting.size(), kGreetingMilliseconds) == kGreeting; }

  void send(const std::string& line) {
    // A short line always finds room.
    if (::send(socket_, line.data(), line.size(), MSG_NOSIGNAL) < 0) {
      throw std::runtime_error(std::string("the process does not listen: ") + std::strerror(errno));
    }
  }

  /// Up to `most` bytes, or to the end.
  std::string receive(std::size_t most, int milliseconds) {
    std::string text;
    while (text.size() < most) {
      pollfd wanted{socket_, POLLIN, 0};
      if (::poll(&wanted, 1, milliseconds) <= 0) break;
      char bytes[65536];
      const ssize_t size = ::recv(socket_, bytes, std::min(sizeof bytes, most - text.size()), 0);
      if (size <= 0) break;
      text.append(bytes, static_cast<std::size_t>(size));
    }
    return text;
  }

 private:
  int socket_;
};

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

/// The inodes of the sockets that process `pid` holds. Throws where it must not be looked at.
std::set<std::string> sockets_of(const std::string& pid) {
  std::set<std::string> inodes;
  std::error_code error;
  const std::filesystem::path folder = "/proc/" + pid + "/fd";
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string target = std::filesystem::read_symlink(entry.path(), error).string();
    constexpr std::string_view kSocket = "socket:[";
    if (target.compare(0, kSocket.size(), kSocket) != 0) continue;
    inodes.insert(target.substr(kSocket.size(), target.size() - kSocket.size() - 1));
  }
  if (error) throw std::runtime_error("process " + pid + ": " + error.message());
  return inodes;
}

/// The paths at which process `pid` listens.
std::vector<std::string> listening_paths(const std::string& pid) {
  const std::set<std::string> own = sockets_of(pid);
  std::vector<std::string> paths;
  std::ifstream table("/proc/" + pid + "/net/unix");
  std::string line;
  std::getline(table, line);  // the heading
  while (std::getline(table, line)) {
    std::istringstream fields(line);
    std::string number, count, protocol, flags, type, state, inode, path;
    fields >> number >> count >> protocol >> flags >> type >> state >> inode;
    std::getline(fields >> std::ws, path);
    constexpr const char* kListens = "00010000";
    if (flags == kListens && path.starts_with('/') && own.contains(inode)) paths.push_back(path);
  }
  return paths;
}

std::string path_of_process(const std::string& pid) {
  for (const std::string& path : listening_paths(pid)) {
    try {
      if (Connection(path).is_greeted()) return path;
    } catch (const std::runtime_error&) {
      // Not ours, or it has gone.
    }
  }
  throw std::runtime_error(
      "process " + pid +
      " has no admin socket: start it with COLIBRI_ADMIN=PATH, or have it call "
      "colibri::open_admin_socket");
}

}  // namespace

std::string ask_process(const std::string& target, const std::string& request) {
  const std::string path = is_number(target) ? path_of_process(target) : target;
  Connection connection(path);
  if (!connection.is_greeted()) {
    throw std::runtime_error(path + ": no colibri process answers there, or it is not yours");
  }
  connection.send(request + "\n");
  const std::string answer = connection.receive(std::string::npos, kAnswerMilliseconds);
  if (answer.starts_with(kFailure)) throw std::runtime_error(answer.substr(kFailure.size()));
  if (!answer.starts_with(kSuccess)) throw std::runtime_error(path + ": no answer came");
  return answer.substr(kSuccess.size());
}

}  // namespace colibri
