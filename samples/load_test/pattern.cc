#include "samples/load_test/pattern.h"

#include <random>

namespace load_test {
namespace {

// Twin primes: a message size that is a multiple of both is above the largest allowed.
constexpr std::uint64_t kPeriod = 65'521;
constexpr std::uint64_t kOtherPeriod = 65'519;

}  // namespace

Pattern::Pattern(std::uint64_t message_bytes)
    : period_(message_bytes % kPeriod == 0 ? kOtherPeriod : kPeriod),
      ring_(period_ + kLongestPiece) {
  std::minstd_rand random(1);  // the same in every run, so that a captured stream can be compared
  for (std::size_t i = 0; i < period_; ++i) ring_[i] = static_cast<std::byte>(random() >> 8);
  for (std::size_t i = period_; i < ring_.size(); ++i) ring_[i] = ring_[i - period_];
}

}  // namespace load_test
