// Numbers that follow from a seed, the same on every machine.
#pragma once

#include <cstdint>

namespace colibri::testing {

/// SplitMix64 (Steele, Lea and Flood, 2014): neighbouring seeds have nothing in common.
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
  }

  /// Below `bound`, which is not 0 and fits 32 bits.
  std::uint32_t below(std::uint64_t bound) noexcept {
    return static_cast<std::uint32_t>((next() >> 32) * bound >> 32);
  }

 private:
  std::uint64_t state_;
};

}  // namespace colibri::testing
