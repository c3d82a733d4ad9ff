#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <span>

namespace bench {

// What the bytes of one connection of the load travel by. The descriptor is the loader's.
class LoadChannel {
 public:
  virtual ~LoadChannel() = default;
  // As send(2) and recv(2) on a non-blocking socket: -1 with errno EAGAIN where they would have to
  // wait. Throws std::runtime_error for what errno cannot say.
  virtual ssize_t send(std::span<const char> bytes) = 0;
  virtual ssize_t receive(std::span<char> buffer) = 0;
  // The most that one send may be given.
  virtual std::size_t most_bytes() const { return 64 * 1024; }
  // A receive that gets less than it could has emptied the channel, and what comes later makes an
  // edge of its own.
  virtual bool short_receive_empties() const = 0;
};

// A connected TCP socket.
std::unique_ptr<LoadChannel> make_tcp_channel(int fd);
// A connected UDP socket; each message of so many bytes is a datagram.
std::unique_ptr<LoadChannel> make_udp_channel(int fd, std::size_t message_bytes);

}  // namespace bench
