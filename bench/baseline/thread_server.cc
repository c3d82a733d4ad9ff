// A thread for each connection, plain blocking calls: what coroutines have to be as easy as, and
// cheaper than.
//
//   thread_server [--host 127.0.0.1] [--port 0] [--buffer-bytes 4096]

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <thread>
#include <vector>

#include "bench/baseline/server_setup.h"

namespace bench {
namespace {

constexpr std::size_t kStackBytes = 64 * 1024;

// std::thread takes no stack size, but glibc has a default for the process.
void set_stack_size_of_new_threads() {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  if (pthread_setattr_default_np(&attributes) != 0) {
    std::fprintf(stderr, "pthread_setattr_default_np refused %zu bytes of stack\n", kStackBytes);
    std::exit(1);
  }
  pthread_attr_destroy(&attributes);
}

bool write_all(int fd, const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t written = write(fd, bytes, size);
    if (written < 0) return false;
    bytes += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

void serve(int fd, std::size_t buffer_bytes) {
  std::vector<char> buffer(buffer_bytes);
  for (;;) {
    const ssize_t size = read(fd, buffer.data(), buffer.size());
    if (size <= 0 || !write_all(fd, buffer.data(), static_cast<std::size_t>(size))) break;
  }
  close(fd);
}

[[noreturn]] void accept_for_ever(int listener, std::size_t buffer_bytes) {
  for (;;) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      std::perror("accept4");
      std::exit(1);
    }
    set_no_delay(fd);
    try {
      std::thread(serve, fd, buffer_bytes).detach();
    } catch (const std::system_error& error) {
      std::fprintf(stderr, "no thread for a connection: %s\n", error.what());
      close(fd);
    }
  }
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  const auto options = bench::parse_server_options(argc, argv);
  bench::set_stack_size_of_new_threads();
  bench::accept_for_ever(bench::listen_and_announce(options), options.buffer_bytes);
}
