#include "test/hook/fortified_calls.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace colibri::test {
namespace {

std::string text_of(const char* buffer, ssize_t size) {
  return size < 0 ? "failed" : std::string(buffer, static_cast<std::size_t>(size));
}

}  // namespace

#ifdef __clang__
const bool kFortified = false;
#else
const bool kFortified = true;
#endif

std::string fortified_read(int descriptor, std::size_t size) {
  char buffer[16];
  const ssize_t count = read(descriptor, buffer, size);
  return text_of(buffer, count);
}

std::string fortified_recv(int socket, std::size_t size) {
  char buffer[16];
  const ssize_t count = recv(socket, buffer, size, 0);
  return text_of(buffer, count);
}

std::string fortified_recvfrom(int socket, std::size_t size) {
  char buffer[16];
  const ssize_t count = recvfrom(socket, buffer, size, 0, nullptr, nullptr);
  return text_of(buffer, count);
}

int fortified_poll(int descriptor, std::size_t count) {
  pollfd query[2] = {{descriptor, POLLIN, 0}, {descriptor, POLLIN, 0}};
  return poll(query, count, -1);
}

int fortified_ppoll(int descriptor, std::size_t count) {
  pollfd query[2] = {{descriptor, POLLIN, 0}, {descriptor, POLLIN, 0}};
  return ppoll(query, count, nullptr, nullptr);
}

}  // namespace colibri::test
