#include "bench/echo/load_connection.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>
#include <stdexcept>
#include <system_error>

#include "bench/echo/stopwatch.h"

namespace bench {

Pattern::Pattern() {
  std::minstd_rand noise(1);
  for (std::size_t i = 0; i < bytes_.size(); ++i) {
    bytes_[i] = i < kPeriod ? static_cast<char>(noise() >> 16) : bytes_[i - kPeriod];
  }
}

LoadConnection::LoadConnection(std::unique_ptr<LoadChannel> channel, std::uint64_t message_bytes,
                               std::uint64_t depth)
    : channel_(std::move(channel)), message_bytes_(message_bytes), started_at_(depth) {}

void LoadConnection::send(const Pattern& pattern) {
  const std::uint64_t allowed = (completed_ + started_at_.size()) * message_bytes_;
  if (sent_ == 0) std::fill(started_at_.begin(), started_at_.end(), monotonic_nanoseconds());
  while (sent_ < allowed) {
    const std::size_t most = std::min(channel_->most_bytes(), Pattern::kMostBytes);
    const ssize_t size = channel_->send(pattern.at(sent_, std::min(allowed - sent_, most)));
    if (size < 0) {
      if (errno == EAGAIN) return;
      throw std::system_error(errno, std::generic_category(), "send to the server");
    }
    sent_ += static_cast<std::uint64_t>(size);
  }
}

std::uint64_t LoadConnection::receive(const Pattern& pattern, LatencyHistogram& histogram) {
  static std::array<char, Pattern::kMostBytes> buffer;
  std::uint64_t completed = 0;
  for (;;) {
    const ssize_t result = channel_->receive(buffer);
    if (result < 0) {
      if (errno == EAGAIN) return completed;
      throw std::system_error(errno, std::generic_category(), "receive from the server");
    }
    if (result == 0) throw std::runtime_error("the server closed a connection");
    const auto size = static_cast<std::size_t>(result);
    const auto expected = pattern.at(received_, size);
    if (received_ + size > sent_ || std::memcmp(buffer.data(), expected.data(), size) != 0) {
      throw std::runtime_error("the server's reply differs from what was sent, after byte " +
                               std::to_string(received_));
    }
    received_ += size;
    completed += complete_messages(monotonic_nanoseconds(), histogram);
    if (size < buffer.size() && channel_->short_receive_empties()) return completed;
  }
}

std::uint64_t LoadConnection::complete_messages(std::int64_t now, LatencyHistogram& histogram) {
  std::uint64_t count = 0;
  for (; (completed_ + 1) * message_bytes_ <= received_; ++completed_, ++count) {
    std::int64_t& started_at = started_at_[completed_ % started_at_.size()];
    histogram.record(now - started_at);
    started_at = now;  // of the message that may go out now in this one's place
  }
  return count;
}

}  // namespace bench
