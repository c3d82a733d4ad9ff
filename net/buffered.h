// BufferedReader and BufferedWriter: many small reads and writes in few system calls.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "colibri/net/stream_reference.h"

namespace colibri {

/// Reads ahead of its user. Refers to the stream, of any kind, which nobody else may read
/// meanwhile, and which must outlive it: what was read ahead goes with the reader. One coroutine's.
/// Errors are those of the stream. So are time-outs, of which only `idle` applies: each read is one
/// of its own, so that a peer that sends a byte now and then is waited for; a TimeLimit ends that.
class BufferedReader {
 public:
  /// Room unless told otherwise.
  static constexpr std::size_t kDefaultBytes = 8192;

  /// With room for so many bytes, in the heap; at least one.
  explicit BufferedReader(StreamReference stream, std::size_t bytes = kDefaultBytes);

  /// As the stream's: the first bytes that are there; 0 at the end of the stream.
  std::size_t read_some(std::span<std::byte> buffer);
  /// Fills the buffer. False if the stream has ended; if it ends after some of the bytes, throws
  /// std::system_error (connection_aborted).
  bool read_exactly(std::span<std::byte> buffer);

  /// What comes up to the delimiter and with it; empty if the stream ends before (the rest is
  /// there then: see buffered). Valid until the next call. Throws std::system_error (message_size)
  /// if there is no delimiter within as many bytes as there is room for.
  std::string_view read_until(std::string_view delimiter);
  /// A line without its "\n" or "\r\n"; nothing at the end of the stream. Otherwise as read_until;
  /// a last line need not end.
  std::optional<std::string_view> read_line();

  /// What was read and not used yet.
  std::string_view buffered() const noexcept { return {data_.get() + begin_, end_ - begin_}; }
  /// Passes over so many bytes of it.
  void consume(std::size_t size) noexcept;
  /// Reads once, and puts what comes behind what is buffered: for those who look at that
  /// themselves. False at the end of the stream. Throws std::system_error (message_size) if there
  /// is no room.
  bool read_more();
  /// The same without waiting: nothing if no byte is there.
  std::optional<bool> try_read_more();

 private:
  std::span<std::byte> make_room();

  const StreamReference stream_;
  const std::size_t room_;
  const std::unique_ptr<char[]> data_;
  std::size_t begin_ = 0;  // what is buffered lies between
  std::size_t end_ = 0;
};

/// Collects what is written. Refers to the stream, which must outlive it. One coroutine's.
/// What was not flushed when it is destroyed is not sent.
class BufferedWriter {
 public:
  /// Room unless told otherwise.
  static constexpr std::size_t kDefaultBytes = 8192;

  /// With room for so many bytes, in the heap; at least one.
  explicit BufferedWriter(StreamReference stream, std::size_t bytes = kDefaultBytes);

  /// Keeps the bytes until flush, or until there is no room: then sends what is there, and them.
  /// Errors as the stream's write_all. What was collected is lost then, some of it sent and the
  /// rest not: so nothing may follow it, and all later writes throw std::system_error
  /// (broken_pipe).
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span<const char>(text))); }
  /// Sends all that is collected. Throws as write.
  void flush();
  /// How much is collected.
  std::size_t buffered() const noexcept { return size_; }
  /// Bytes were lost: nothing more can be written.
  bool is_broken() const noexcept { return is_broken_; }

 private:
  void require_whole() const;
  void send(std::span<const std::byte> more);

  const StreamReference stream_;
  const std::size_t room_;
  const std::unique_ptr<std::byte[]> data_;
  std::size_t size_ = 0;
  bool is_broken_ = false;
};

}  // namespace colibri
