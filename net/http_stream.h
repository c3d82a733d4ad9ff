// HttpStream: what an HTTP connection stands on, TCP or something that protects it.
#pragma once

#include <utility>

#include "colibri/net/stream_reference.h"
#include "colibri/net/tcp_stream.h"

namespace colibri::net_detail {

/// One connection's. One coroutine reads and one writes, as with other streams. Errors are those of
/// the stream.
class HttpStream {
 public:
  HttpStream() noexcept = default;
  virtual ~HttpStream() = default;
  HttpStream(const HttpStream&) = delete;
  HttpStream& operator=(const HttpStream&) = delete;

  /// What is at the bottom: for its addresses, options, time-outs and waits.
  virtual TcpStream& tcp() noexcept = 0;
  /// What is read and written. The same from the beginning, though not to be used before
  /// shake_hands. Lives as long as this.
  virtual StreamReference bytes() noexcept = 0;

  /// The client speaks first, before its first request: shake_hands must be called when it does.
  virtual bool begins_with_handshake() const noexcept { return false; }
  virtual void shake_hands() {}

  /// The client reads the end; reading goes on.
  virtual void shutdown_write() = 0;
  /// Hands over what is at the bottom, for its close. `in_order`: the end is said before, as far as
  /// that is possible without waiting.
  virtual TcpStream release(bool in_order) noexcept = 0;
};

/// TCP, unprotected.
class PlainHttpStream final : public HttpStream {
 public:
  explicit PlainHttpStream(TcpStream stream) noexcept : stream_(std::move(stream)) {}

  TcpStream& tcp() noexcept override { return stream_; }
  StreamReference bytes() noexcept override { return stream_; }
  void shutdown_write() override { stream_.shutdown_write(); }
  TcpStream release(bool /*in_order*/) noexcept override { return std::move(stream_); }

 private:
  TcpStream stream_;
};

}  // namespace colibri::net_detail
