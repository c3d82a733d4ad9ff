#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "bench/echo/latency_histogram.h"
#include "bench/echo/load_channel.h"

namespace bench {

// The bytes that connections send and expect back: an endless stream of a fixed noise, whose
// period is prime, so that a lost, doubled or swapped piece shows at once.
class Pattern {
 public:
  static constexpr std::size_t kMostBytes = 64 * 1024;

  Pattern();
  // `size` bytes of the stream from `position` on. REQUIRES: size <= kMostBytes.
  std::span<const char> at(std::uint64_t position, std::size_t size) const {
    return std::span(bytes_).subspan(position % kPeriod, size);
  }

 private:
  static constexpr std::size_t kPeriod = 4093;
  std::array<char, kPeriod + kMostBytes> bytes_;
};

// One connection of the load: keeps `depth` messages under way, checks what comes back, and says
// how long each took. A message's time starts when the reply that made room for it was read, and
// ends when its own last byte was read.
//
// Movable. Owns its channel.
class LoadConnection {
 public:
  LoadConnection(std::unique_ptr<LoadChannel> channel, std::uint64_t message_bytes,
                 std::uint64_t depth);

  // Messages that have come back.
  std::uint64_t completed() const { return completed_; }

  // Sends what the depth allows and the socket takes. The rest goes out at the next call, which is
  // due when the socket has room again. Throws std::system_error.
  void send(const Pattern& pattern);

  // Reads and checks replies until the socket is empty, records the latency of each in
  // `histogram` and returns how many were completed. Throws std::system_error on a socket error,
  // std::runtime_error when the server has closed or has answered with other bytes than were sent.
  std::uint64_t receive(const Pattern& pattern, LatencyHistogram& histogram);

 private:
  std::uint64_t complete_messages(std::int64_t now, LatencyHistogram& histogram);

  std::unique_ptr<LoadChannel> channel_;
  std::uint64_t message_bytes_;
  std::uint64_t sent_ = 0;                // bytes, since the connection began
  std::uint64_t received_ = 0;            // bytes
  std::uint64_t completed_ = 0;           // messages
  std::vector<std::int64_t> started_at_;  // by message number modulo depth; 0: not started
};

}  // namespace bench
