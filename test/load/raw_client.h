// A client as one writes it to annoy a server: a blocking TCP socket, used from a plain thread.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace colibri::test {

/// Bytes that differ from one `seed` to the next and within themselves.
std::string test_bytes(std::size_t size, unsigned seed);

class RawClient {
 public:
  /// Connects to 127.0.0.1; throws std::system_error if that fails or hangs, as the others do. With
  /// `small_buffers` the kernel keeps little on this side.
  explicit RawClient(int port, bool small_buffers = false);
  RawClient(RawClient&& other) noexcept;
  RawClient& operator=(RawClient&& other) noexcept;
  ~RawClient();

  void send_all(const std::string& bytes) const;
  /// As many bytes as are there at once; 0 when the peer's window is full.
  std::size_t send_without_waiting(std::string_view bytes) const;
  /// Reads `size` bytes, or fewer if the stream ends before.
  std::string receive(std::size_t size) const;
  /// Reads to the end of the stream.
  std::string receive_all() const;
  /// True when something, the end included, can be read.
  bool readable() const;
  /// Sends, and gets the same back.
  bool echoes(const std::string& bytes) const;

  /// Ends its own direction of the stream.
  void shut_down_sending() const;
  /// Closes with a reset instead of the usual farewell.
  void reset();

 private:
  int socket_;
};

}  // namespace colibri::test
