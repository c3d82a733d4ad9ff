// HttpBodyWriter: the body of an answer, written in parts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "colibri/net/buffered.h"

namespace colibri {

/// What HttpExchange::begin returns. One coroutine's. Errors as TcpStream's, after which nothing
/// more can be written: the connection is closed when the handler returns.
///
/// The body is complete when the handler returns; if the handler throws, the connection is closed
/// or reset, and the client knows that something is missing.
class HttpBodyWriter {
 public:
  /// How a client finds the body's end.
  enum class Framing {
    kNoBody,      // there is none, as for HEAD: what is written is not sent
    kLength,      // it was announced
    kChunked,     // each part says how long it is
    kUntilClose,  // where the connection ends: for HTTP/1.0
  };

  /// Collects the bytes, and sends them when there are some thousand. Throws std::length_error if
  /// they are more than were announced.
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span<const char>(text))); }
  /// Sends what was collected, so that the client sees it now.
  void flush();

  /// The server's own. `writer` must outlive it.
  HttpBodyWriter(BufferedWriter& writer, Framing framing, std::uint64_t length) noexcept
      : writer_(writer), framing_(framing), left_(length) {}
  /// The server's own: the end. False if fewer bytes were written than were announced.
  bool finish();

 private:
  void write_chunk(std::span<const std::byte> bytes);

  BufferedWriter& writer_;
  const Framing framing_;
  std::uint64_t left_;  // of what was announced
};

}  // namespace colibri
