#include "colibri/core/inspect/words.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

namespace colibri {
namespace {

using GetName = int (*)(int, sockaddr*, socklen_t*);

std::string internet_address(int family, const void* address, in_port_t port) {
  char text[INET6_ADDRSTRLEN] = "?";
  inet_ntop(family, address, text, sizeof text);
  return family == AF_INET6 ? fmt::format("[{}]:{}", text, ntohs(port))
                            : fmt::format("{}:{}", text, ntohs(port));
}

std::string unix_address(const sockaddr_un& address, socklen_t size) {
  const std::size_t offset = offsetof(sockaddr_un, sun_path);
  if (size <= offset) return "unix";
  const char* path = address.sun_path;
  // An abstract name begins with a zero byte and need not end with one.
  if (*path == '\0') return fmt::format("@{}", std::string_view(path + 1, size - offset - 1));
  return std::string(path, strnlen(path, size - offset));
}

/// Empty if there is no such address.
std::string address_of(int descriptor, GetName get_name) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (get_name(descriptor, address, &size) != 0) return {};
  if (storage.ss_family == AF_INET) {
    const auto& internet = reinterpret_cast<const sockaddr_in&>(storage);
    return internet_address(AF_INET, &internet.sin_addr, internet.sin_port);
  }
  if (storage.ss_family == AF_INET6) {
    const auto& internet = reinterpret_cast<const sockaddr_in6&>(storage);
    return internet_address(AF_INET6, &internet.sin6_addr, internet.sin6_port);
  }
  if (storage.ss_family == AF_UNIX) {
    return unix_address(reinterpret_cast<const sockaddr_un&>(storage), size);
  }
  return fmt::format("address family {}", storage.ss_family);
}

/// What the kernel calls a file that is no socket.
std::string file_of(int descriptor) {
  char target[256];
  const std::string link = fmt::format("/proc/self/fd/{}", descriptor);
  const ssize_t size = readlink(link.c_str(), target, sizeof target);
  return size > 0 ? std::string(target, static_cast<std::size_t>(size)) : std::string();
}

}  // namespace

std::string coroutine_label(std::uint64_t id, std::string_view name) {
  return name.empty() ? fmt::format("#{}", id) : fmt::format("#{} '{}'", id, name);
}

std::string to_words(std::chrono::nanoseconds duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  if (seconds >= 7200) {
    const auto minutes = static_cast<long>(seconds / 60);
    return fmt::format("{} h {} min", minutes / 60, minutes % 60);
  }
  if (seconds >= 100) return fmt::format("{:.0f} s", seconds);
  if (seconds >= 1) return fmt::format("{:.1f} s", seconds);
  const double milliseconds = seconds * 1000;
  return milliseconds >= 10 ? fmt::format("{:.0f} ms", milliseconds)
                            : fmt::format("{:.1f} ms", milliseconds);
}

std::string describe_descriptor(int descriptor, bool reading) {
  const int saved_errno = errno;
  std::string local = address_of(descriptor, &getsockname);
  const std::string peer = address_of(descriptor, &getpeername);
  if (local.empty()) local = file_of(descriptor);
  errno = saved_errno;
  std::string text = fmt::format("fd {}", descriptor);
  if (!local.empty()) text += " " + local;
  if (!peer.empty()) text += (reading ? "←" : "→") + peer;
  return text;
}

}  // namespace colibri
