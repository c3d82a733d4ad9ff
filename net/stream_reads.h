// Reads of several steps, for streams of all kinds.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "colibri/net/stream_socket.h"

namespace colibri::net_detail {

// `stream` is for its time-outs and its errors; `read(buffer, deadline)` takes the first bytes that
// come, at most as many as fit, of which there is one at least; 0 at the end of the stream.

/// StreamSocket::read_exactly.
template <class Stream, class Read>
bool read_exactly(const Stream& stream, std::span<std::byte> buffer, Read read) {
  if (buffer.empty()) return true;
  std::size_t done = read(buffer, CallDeadline(stream.timeouts().idle));
  if (done == 0) return false;
  if (done == buffer.size()) return true;
  CallDeadline deadline(stream.timeouts().read);
  deadline = deadline.get();  // it begins now, and not at the first wait
  while (done != buffer.size()) {
    const std::size_t more = read(buffer.subspan(done), deadline);
    if (more == 0) {
      errno = ECONNABORTED;
      stream.fail("the stream ended after " + std::to_string(done) + " of " +
                  std::to_string(buffer.size()) + " bytes from");
    }
    done += more;
  }
  return true;
}

/// StreamSocket::read_until.
template <class Stream, class Read>
std::size_t read_until(const Stream& stream, std::string& buffer, std::string_view delimiter,
                       std::size_t limit, Read read) {
  constexpr std::size_t kStep = 4096;
  bool first_read = buffer.empty();
  CallDeadline deadline(first_read ? stream.timeouts().idle : stream.timeouts().read);
  for (std::size_t searched = 0;;) {
    const std::size_t found = buffer.find(delimiter, searched);
    if (found != std::string::npos && found + delimiter.size() <= limit) {
      return found + delimiter.size();
    }
    if (found != std::string::npos || buffer.size() >= limit) {
      errno = EMSGSIZE;
      stream.fail("too much before the delimiter from");
    }
    // The delimiter may have begun within what is there.
    const std::size_t size = buffer.size();
    searched = size < delimiter.size() ? 0 : size - delimiter.size() + 1;
    buffer.resize(std::min(size + kStep, limit));
    std::size_t more = 0;
    try {
      more = read(std::as_writable_bytes(std::span(buffer)).subspan(size), deadline);
    } catch (...) {
      buffer.resize(size);
      throw;
    }
    buffer.resize(size + more);
    if (more == 0) return 0;
    if (first_read) deadline = CallDeadline(CallDeadline(stream.timeouts().read).get());
    first_read = false;
  }
}

}  // namespace colibri::net_detail
