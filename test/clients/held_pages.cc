#include "test/clients/held_pages.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>

#include "colibri/core/task.h"
#include "test/clients/servers.h"

namespace colibri::test {
namespace {

int listen_at(const std::string& path) {
  sockaddr_un address{AF_UNIX, {}};
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      chmod(path.c_str(), 0777) != 0 || listen(listener, kClients) != 0) {
    throw std::runtime_error("cannot listen at " + path);
  }
  return listener;
}

/// Reads a request without a body: its path.
std::string read_request(int connection) {
  std::string request;
  while (request.find("\r\n\r\n") == std::string::npos) {
    char bytes[4096];
    const ssize_t size = read(connection, bytes, sizeof bytes);
    if (size <= 0) return {};
    request.append(bytes, static_cast<std::size_t>(size));
  }
  const auto begin = request.find(' ') + 1;
  return request.substr(begin, request.find(' ', begin) - begin);
}

void answer(int connection, const Event& open) {
  const std::string path = read_request(connection);
  open.wait();
  const std::string text = "HTTP/1.0 200 OK\r\n\r\n" + HeldPages::page(path);
  // If it fails, nginx says so to the client.
  send(connection, text.data(), text.size(), MSG_NOSIGNAL);
  close(connection);
}

}  // namespace

HeldPages::HeldPages(const TemporaryFolder& folder) : listener_(listen_at(folder.path("held"))) {}

HeldPages::~HeldPages() {
  close(listener_);
}

void HeldPages::serve(const Event& open) const {
  for (int connection; (connection = accept(listener_, nullptr, nullptr)) >= 0;) {
    go(answer, connection, open);
  }
}

std::string HeldPages::page(const std::string& path) {
  constexpr std::size_t kBytes = 50'000;  // more than one buffer of anybody's
  std::string text;
  while (text.size() < kBytes) text += path + "\n";
  return text;
}

}  // namespace colibri::test
