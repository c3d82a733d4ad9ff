#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace bench {

// Counts latencies in buckets that grow with the value: 64 for each power of two, so that a
// percentile is off by less than 1.6 % at any size. Recording is a shift and an increment.
//
// Not thread-safe.
class LatencyHistogram {
 public:
  void record(std::int64_t nanoseconds) {
    ++counts_[index_of(nanoseconds < 0 ? 0 : static_cast<std::uint64_t>(nanoseconds))];
    ++total_;
  }

  // The value that `fraction` (0 to 1) of the records do not exceed: the top of its bucket, in
  // nanoseconds. 0 when nothing was recorded.
  std::uint64_t percentile(double fraction) const {
    const auto wanted = static_cast<std::uint64_t>(fraction * static_cast<double>(total_));
    std::uint64_t seen = 0;
    for (std::size_t index = 0; index < counts_.size(); ++index) {
      seen += counts_[index];
      if (seen > 0 && seen >= wanted) return top_of(index);
    }
    return 0;
  }

 private:
  static constexpr int kBits = 6;
  static constexpr std::uint64_t kBucketsAnOctave = std::uint64_t{1} << kBits;

  // Values below 64 have a bucket each. Above, the six bits after the leading one choose the
  // bucket within the octave, and the leading one's position chooses the octave.
  static std::size_t index_of(std::uint64_t value) {
    if (value < kBucketsAnOctave) return value;
    const int shift = static_cast<int>(std::bit_width(value)) - 1 - kBits;
    return (static_cast<std::size_t>(shift) << kBits) + (value >> shift);
  }

  static std::uint64_t top_of(std::size_t index) {
    if (index < 2 * kBucketsAnOctave) return index;
    const int shift = static_cast<int>(index >> kBits) - 1;
    const std::uint64_t leading = index - (static_cast<std::size_t>(shift) << kBits);
    return ((leading + 1) << shift) - 1;
  }

  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>((64 - kBits + 1) << kBits);
  std::uint64_t total_ = 0;
};

}  // namespace bench
