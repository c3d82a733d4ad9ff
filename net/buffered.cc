#include "colibri/net/buffered.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace colibri {

BufferedReader::BufferedReader(StreamReference stream, std::size_t bytes)
    : stream_(stream),
      room_(std::max<std::size_t>(bytes, 1)),
      data_(std::make_unique_for_overwrite<char[]>(room_)) {}

void BufferedReader::consume(std::size_t size) noexcept {
  begin_ += std::min(size, end_ - begin_);
  if (begin_ == end_) begin_ = end_ = 0;
}

/// Behind what is buffered.
std::span<std::byte> BufferedReader::make_room() {
  if (buffered().size() == room_) {
    errno = EMSGSIZE;
    stream_.fail("more than " + std::to_string(room_) + " bytes to be kept from");
  }
  if (end_ == room_) {
    std::memmove(data_.get(), data_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  return std::as_writable_bytes(std::span(data_.get() + end_, room_ - end_));
}

bool BufferedReader::read_more() {
  const std::size_t size = stream_.read_some(make_room());
  end_ += size;
  return size != 0;
}

std::optional<bool> BufferedReader::try_read_more() {
  const std::optional<std::size_t> size = stream_.try_read_some(make_room());
  if (!size) return std::nullopt;
  end_ += *size;
  return *size != 0;
}

std::size_t BufferedReader::read_some(std::span<std::byte> buffer) {
  if (begin_ == end_) {
    // A large read has no use for the detour.
    if (buffer.size() >= room_) return stream_.read_some(buffer);
    if (buffer.empty() || !read_more()) return 0;
  }
  const std::size_t size = std::min(buffer.size(), end_ - begin_);
  std::memcpy(buffer.data(), data_.get() + begin_, size);
  consume(size);
  return size;
}

bool BufferedReader::read_exactly(std::span<std::byte> buffer) {
  if (buffer.empty()) return true;
  const std::size_t first = read_some(buffer);
  if (first == 0) return false;
  std::span<std::byte> rest = buffer.subspan(first);
  while (!rest.empty()) {
    const std::size_t more = read_some(rest);
    if (more == 0) {
      errno = ECONNABORTED;
      stream_.fail("the stream ended after " + std::to_string(buffer.size() - rest.size()) +
                   " of " + std::to_string(buffer.size()) + " bytes from");
    }
    rest = rest.subspan(more);
  }
  return true;
}

std::string_view BufferedReader::read_until(std::string_view delimiter) {
  for (std::size_t searched = 0;;) {
    const std::string_view there = buffered();
    const std::size_t found = there.find(delimiter, searched);
    if (found != std::string_view::npos) {
      const std::size_t size = found + delimiter.size();
      // Not consume, which may begin anew where the bytes are that the caller is to read.
      begin_ += size;
      return there.substr(0, size);
    }
    if (there.size() == room_) {
      errno = EMSGSIZE;
      stream_.fail("no delimiter within " + std::to_string(room_) + " bytes from");
    }
    // It may have begun within what is there.
    searched = there.size() < delimiter.size() ? 0 : there.size() - delimiter.size() + 1;
    if (!read_more()) return {};
  }
}

std::optional<std::string_view> BufferedReader::read_line() {
  std::string_view line = read_until("\n");
  if (line.empty()) {
    line = buffered();
    begin_ = end_;
    if (line.empty()) return std::nullopt;
    return line;
  }
  line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

BufferedWriter::BufferedWriter(StreamReference stream, std::size_t bytes)
    : stream_(stream),
      room_(std::max<std::size_t>(bytes, 1)),
      data_(std::make_unique_for_overwrite<std::byte[]>(room_)) {}

void BufferedWriter::write(std::span<const std::byte> bytes) {
  require_whole();
  if (bytes.size() <= room_ - size_) {
    std::copy(bytes.begin(), bytes.end(), data_.get() + size_);
    size_ += bytes.size();
    return;
  }
  send(bytes);
}

void BufferedWriter::flush() {
  require_whole();
  send({});
}

void BufferedWriter::require_whole() const {
  if (!is_broken_) return;
  errno = EPIPE;
  stream_.fail("after a write that has failed, write to");
}

/// What is collected, and this.
void BufferedWriter::send(std::span<const std::byte> more) {
  const std::size_t size = std::exchange(size_, 0);
  try {
    stream_.write_both(std::span(data_.get(), size), more);
  } catch (...) {
    // A call that had nothing to send has lost nothing.
    is_broken_ = size + more.size() != 0;
    throw;
  }
}

}  // namespace colibri
