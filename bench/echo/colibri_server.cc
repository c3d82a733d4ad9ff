// Echo on colibri's hooks, to see what the kind of stack and the place of the buffer cost. The
// server that people read is //samples:echo_server_posix.
//
//   colibri_server [--stack shared] [--buffer heap|stack] [--port 0] [--buffer-bytes 4096]
//
// --stack is as COLIBRI_STACK. A shared stack is copied when it changes hands: with the buffer on
// it, 4 KiB more each way. With "--buffer=stack" the buffer has 4 KiB, whatever else is said.
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>

#include "bench/baseline/command_line.h"
#include "bench/baseline/server_setup.h"
#include "colibri/colibri.h"

namespace bench {
namespace {

enum class Buffer { kHeap, kStack };

// False when the peer has finished, or is gone.
bool echo_once(int fd, char* buffer, std::size_t buffer_bytes) {
  const ssize_t size = read(fd, buffer, buffer_bytes);
  return size > 0 && write(fd, buffer, static_cast<std::size_t>(size)) == size;
}

void serve_from_heap(int fd, std::size_t buffer_bytes) {
  const auto buffer = std::make_unique<char[]>(buffer_bytes);
  while (echo_once(fd, buffer.get(), buffer_bytes)) {
  }
  close(fd);
}

void serve_from_stack(int fd) {
  char buffer[4096];
  while (echo_once(fd, buffer, sizeof buffer)) {
  }
  close(fd);
}

int accept_for_ever(int listener, Buffer buffer, std::size_t buffer_bytes) {
  for (;;) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      std::perror("accept4");
      return 1;
    }
    set_no_delay(fd);
    if (buffer == Buffer::kHeap) {
      colibri::go(serve_from_heap, fd, buffer_bytes);
    } else {
      colibri::go(serve_from_stack, fd);
    }
  }
}

int serve(int argc, char** argv) {
  CommandLine line(argc, argv);
  ServerOptions options;
  options.host = line.text("--host", options.host);
  options.port = static_cast<std::uint16_t>(line.number("--port", 0, 0, 65'535));
  options.buffer_bytes = static_cast<std::size_t>(line.number("--buffer-bytes", 4096, 1, 1 << 20));
  const auto stacks = colibri::StackChoice::parse(line.text("--stack", "shared"));
  const std::string where = line.text("--buffer", "heap");
  line.finish();
  if (where != "heap" && where != "stack") {
    std::fprintf(stderr, "colibri_server: --buffer is heap or stack, not %s\n", where.c_str());
    return 2;
  }
  const Buffer buffer = where == "heap" ? Buffer::kHeap : Buffer::kStack;
  const int listener = listen_and_announce(options);
  return colibri::run([&] { return accept_for_ever(listener, buffer, options.buffer_bytes); },
                      {.stacks = stacks});
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  try {
    return bench::serve(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "colibri_server: %s\n", error.what());
    return 1;
  }
}
