#include "samples/load_test/pattern.h"

#include <algorithm>
#include <cstring>
#include <random>

namespace load_test {
namespace {

// Twin primes: a message size that is a multiple of both is above the largest allowed.
constexpr std::uint64_t kPeriod = 65'521;
constexpr std::uint64_t kOtherPeriod = 65'519;

// Neighbours in the list of connections must not be neighbours in the ring.
constexpr std::uint64_t kStride = 40'507;

// Two would do to see that one is lost or doubled; the third, that two are swapped.
constexpr std::uint64_t kFewestFrames = 3;

}  // namespace

Pattern::Pattern(std::uint64_t message_bytes, std::uint64_t period, std::uint64_t stride)
    : message_bytes_(message_bytes),
      period_(period),
      stride_(stride),
      ring_(period + kLongestPiece) {}

Pattern::Pattern(std::uint64_t message_bytes)
    : Pattern(message_bytes, message_bytes % kPeriod == 0 ? kOtherPeriod : kPeriod, kStride) {
  fill_with_random_bytes();
  close_ring();
}

Pattern Pattern::framed(std::uint64_t payload_bytes) {
  const std::uint64_t frame = kPrefixBytes + payload_bytes;
  const std::uint64_t frames = std::max(kPeriod / frame, kFewestFrames);
  Pattern pattern(frame, frames * frame, kStride % frames * frame);
  pattern.fill_with_random_bytes();
  for (std::uint64_t at = 0; at < pattern.period_; at += frame) {
    for (std::size_t i = 0; i < kPrefixBytes; ++i) {
      pattern.ring_[at + i] = static_cast<std::byte>(payload_bytes >> 8 * (kPrefixBytes - 1 - i));
    }
  }
  pattern.close_ring();
  return pattern;
}

Pattern Pattern::repeated(std::string_view message) {
  Pattern pattern(message.size(), message.size(), 0);
  std::memcpy(pattern.ring_.data(), message.data(), message.size());
  pattern.close_ring();
  return pattern;
}

void Pattern::fill_with_random_bytes() {
  std::minstd_rand random(1);  // the same in every run, so that a captured stream can be compared
  for (std::size_t i = 0; i < period_; ++i) ring_[i] = static_cast<std::byte>(random() >> 8);
}

void Pattern::close_ring() {
  for (std::size_t i = period_; i < ring_.size(); ++i) ring_[i] = ring_[i - period_];
}

}  // namespace load_test
