// One connected stream of bytes, with TLS or without.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "samples/load_test/descriptor.h"

namespace load_test {

/// Of the coroutines of one thread: one that reads, and any that send.
class Transport {
 public:
  explicit Transport(Descriptor socket) : socket_(std::move(socket)) {}
  virtual ~Transport() = default;

  /// Waits for bytes. Their number, 0 at the end of the stream, or -1 with the reason in errno.
  virtual ssize_t receive(std::span<std::byte> buffer) = 0;
  /// Never waits. The number of bytes taken; or -1 with the reason in errno, EAGAIN if there is no
  /// room now: then the next call must begin with the same bytes, and have no fewer of them.
  virtual ssize_t send(std::span<const std::byte> bytes) = 0;
  /// What stands behind the errno of the last call, in words.
  virtual std::string reason(int error) const;

  /// Ends the stream in both directions, under those who wait for it.
  void end();
  /// To be waited for with poll.
  int descriptor() const { return socket_.number(); }

 private:
  const Descriptor socket_;
};

/// TCP as it is.
std::unique_ptr<Transport> make_plain_transport(Descriptor socket);

}  // namespace load_test
