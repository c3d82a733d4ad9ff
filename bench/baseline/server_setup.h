#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace bench {

// What every echo server of the comparison is started with.
struct ServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;           // 0: the kernel chooses
  std::size_t buffer_bytes = 4096;  // of one read
  // Variants of the epoll server; the others refuse them.
  bool level = false;       // level-triggered
  bool read_write = false;  // by read and write instead of recv and send
  unsigned threads = 1;     // each with a listener, over which the kernel spreads connections
};

// Ends the program with status 2 on a bad command line, to which the variants belong unless the
// server has them.
ServerOptions parse_server_options(int argc, char** argv, bool has_variants = false);

// Makes the process ready to serve and returns a listening TCP socket.
//
// The socket is close-on-exec, and non-blocking when `socket_flags` has SOCK_NONBLOCK.
// The soft limit of descriptors is raised to the hard one, SIGPIPE is ignored, and
// `listening on HOST:PORT` is printed to stdout, which is how the comparison learns the port.
// SIGTERM keeps its default action: it ends the server at once. Ends the program with status 1 and
// a sentence when the address cannot be had.
int listen_and_announce(const ServerOptions& options, int socket_flags = 0);

// One more listener on the port of `listener`, for another of several threads.
int listen_beside(int listener, ServerOptions options, int socket_flags = 0);

// The same as listen_and_announce for datagrams: returns a bound UDP socket, whose buffer has room
// for 2,000 small ones, so that none is lost while the server is not on its core. Raising it so far
// needs privilege.
int bind_datagrams_and_announce(const ServerOptions& options);

// Room for datagrams that have come, in the kernel's count.
inline constexpr int kDatagramBufferBytes = 4 << 20;

// Turns Nagle's algorithm off, as every server of the comparison does for what it accepts.
void set_no_delay(int fd);

}  // namespace bench
