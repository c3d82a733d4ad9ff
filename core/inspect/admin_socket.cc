#include "colibri/core/inspect/admin_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "colibri/core/libc.h"

namespace colibri {
namespace {

constexpr int kPatienceMilliseconds = 5000;
constexpr std::size_t kLongestRequest = 4096;
constexpr int kBacklog = 8;

[[noreturn]] void throw_error(int error, const std::string& what) {
  throw std::system_error(error, std::generic_category(), what);
}

std::string expand(const std::string& path) {
  std::string expanded = path;
  const std::size_t place = expanded.find("%p");
  if (place != std::string::npos) expanded.replace(place, 2, std::to_string(::getpid()));
  return expanded;
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    throw_error(ENAMETOOLONG, "admin socket \"" + path + "\"");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

/// A socket is there, and nobody listens.
bool is_left_over(const std::string& path, const sockaddr_un& address) noexcept {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
  const int probe = real::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return false;
  const int result =
      real::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const bool refused = result != 0 && errno == ECONNREFUSED;
  real::close(probe);
  return refused;
}

/// Of the same user as this process, or root.
bool is_welcome(int client) noexcept {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (real::getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == 0 || peer.uid == ::geteuid();
}

bool wait_for(int descriptor, short events) noexcept {
  pollfd wanted{descriptor, events, 0};
  return real::poll(&wanted, 1, kPatienceMilliseconds) == 1;
}

}  // namespace

AdminSocket::AdminSocket(const std::string& path) : path_(expand(path)) {
  const sockaddr_un address = address_of(path_);
  listener_.adopt(real::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
                  "admin socket");
  // The file gets the mode that the socket has now, without a moment in which others could come in.
  ::fchmod(listener_.number(), S_IRUSR | S_IWUSR);
  const auto* name = reinterpret_cast<const sockaddr*>(&address);
  int bound = ::bind(listener_.number(), name, sizeof address);
  if (bound != 0 && errno == EADDRINUSE && is_left_over(path_, address)) {
    ::unlink(path_.c_str());
    bound = ::bind(listener_.number(), name, sizeof address);
  }
  if (bound != 0) throw_error(errno, "admin socket \"" + path_ + "\"");
  if (real::listen(listener_.number(), kBacklog) != 0) {
    const int error = errno;
    ::unlink(path_.c_str());
    throw_error(error, "admin socket \"" + path_ + "\"");
  }
}

void AdminSocket::take_path_away() noexcept {
  if (!path_.empty()) ::unlink(path_.c_str());
  path_.clear();
}

void AdminSocket::forget_in_child() noexcept {
  path_.clear();
  listener_.reset();
}

int AdminSocket::accept() noexcept {
  const int client =
      real::accept4(listener_.number(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (client < 0) return -1;
  if (is_welcome(client) && send_answer(client, kAdminGreeting)) return client;
  real::close(client);
  return -1;
}

bool read_request(int client, std::string& line) noexcept {
  line.clear();
  for (;;) {
    char bytes[512];
    const ssize_t size = real::recv(client, bytes, sizeof bytes, 0);
    if (size < 0 && errno == EAGAIN && wait_for(client, POLLIN)) continue;
    if (size <= 0) return false;
    const void* end = std::memchr(bytes, '\n', static_cast<std::size_t>(size));
    const auto count =
        static_cast<std::size_t>(end != nullptr ? static_cast<const char*>(end) - bytes : size);
    if (line.size() + count > kLongestRequest) return false;
    try {
      line.append(bytes, count);
    } catch (...) {
      return false;
    }
    if (end != nullptr) return true;
  }
}

bool send_answer(int client, std::string_view text) noexcept {
  for (std::size_t sent = 0; sent < text.size();) {
    const ssize_t size = real::send(client, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (size < 0 && errno == EAGAIN && wait_for(client, POLLOUT)) continue;
    if (size <= 0) return false;
    sent += static_cast<std::size_t>(size);
  }
  return true;
}

}  // namespace colibri
