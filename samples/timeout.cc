// TimeLimit: a time-out around blocking calls that have none, in plain POSIX code.
//
//   bazel run --config=opt //samples:timeout
//
// Inside the scope each call fails with ETIMEDOUT once the time is up, however deep in a library it
// stands; outside, the same call on the same descriptor works as ever. Prints:
//
// read     within 20 ms: ETIMEDOUT, without limit: 5 bytes
// usleep   within 20 ms: ETIMEDOUT, without limit: done
// connect  within 20 ms: ETIMEDOUT, without limit: done
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "colibri/colibri.h"

using namespace std::chrono_literals;

namespace {

/// The error of a call that a limit of 20 ms is put around.
template <class Call>
const char* error_within_limit(Call call) {
  const colibri::TimeLimit limit(20ms);
  return call() < 0 ? strerrorname_np(errno) : "no error";
}

void show_read() {
  int ends[2];
  socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
  char buffer[16];
  const char* error = error_within_limit([&] { return read(ends[0], buffer, sizeof buffer); });
  colibri::go([writer = ends[1]] {
    usleep(20'000);
    if (write(writer, "hello", 5) != 5) std::perror("write");
    close(writer);
  });
  const ssize_t size = read(ends[0], buffer, sizeof buffer);
  std::printf("read     within 20 ms: %s, without limit: %zd bytes\n", error, size);
  close(ends[0]);
}

void show_sleep() {
  const char* error = error_within_limit([] { return usleep(100'000); });
  const int result = usleep(30'000);
  std::printf("usleep   within 20 ms: %s, without limit: %s\n", error, result < 0 ? "?" : "done");
}

int try_to_connect(const sockaddr_in& address) {
  const int client = socket(AF_INET, SOCK_STREAM, 0);
  const int result = connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = errno;  // of connect; close may set another
  close(client);
  errno = error;
  return result;
}

void show_connect() {
  // A listener with a queue of one: when that is full, it does not answer who else connects.
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0) return std::perror("bind");
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  listen(listener, 0);
  try_to_connect(address);

  const char* error = error_within_limit([&] { return try_to_connect(address); });
  close(accept(listener, nullptr, nullptr));
  const int result = try_to_connect(address);
  std::printf("connect  within 20 ms: %s, without limit: %s\n", error, result < 0 ? "?" : "done");
  close(listener);
}

}  // namespace

int main() {
  return colibri::run([] {
    show_read();
    show_sleep();
    show_connect();
  });
}
