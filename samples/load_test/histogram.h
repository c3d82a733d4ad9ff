// Latencies in fixed memory, at one percent.
//
// The idea of HdrHistogram: below 128 a bucket a value; above, each power of two is cut into 128
// buckets of equal width, so a bucket is never wider than 1/128 of its values. 2^40 ns are 18
// minutes; what is larger falls into the last bucket, and max() still knows it exactly.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace load_test {

/// Not thread-safe: each thread has its own, and they are merged at the end. Only excerpt
/// allocates; about 34 KiB, so it does not belong on a coroutine's stack.
class Histogram {
 public:
  static constexpr unsigned kPrecisionBits = 7;
  static constexpr unsigned kLargestBits = 40;

  /// A negative value counts as 0.
  void record(std::int64_t value);
  /// Afterwards as if this had recorded all that `other` has.
  void merge(const Histogram& other);

  /// All that one has recorded, in as little memory as its buckets in use need: 16 bytes each.
  struct Excerpt {
    std::vector<std::pair<std::int64_t, std::uint64_t>> counts;  // highest value, how many
    std::int64_t min = 0;
    std::int64_t max = 0;
    double sum = 0;
  };
  Excerpt excerpt() const;
  /// Afterwards as if this had recorded what the excerpt's histogram has.
  void add(const Excerpt& excerpt);

  std::uint64_t count() const { return count_; }
  /// 0 while nothing is recorded, as are the next three. min, max and mean are exact.
  std::int64_t min() const { return count_ == 0 ? 0 : min_; }
  std::int64_t max() const { return max_; }
  double mean() const;
  /// A value that `percent` of 100 of the recorded ones do not exceed: at most 1/128 too high,
  /// never too low, never above max().
  std::int64_t percentile(double percent) const;

 private:
  static constexpr std::size_t kBucketsPerPower = std::size_t{1} << kPrecisionBits;
  static constexpr std::size_t kBuckets = kBucketsPerPower * (kLargestBits - kPrecisionBits + 1);

  static std::size_t bucket_of(std::uint64_t value);
  static std::uint64_t highest_value_in(std::size_t bucket);

  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  std::int64_t min_ = 0;
  std::int64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace load_test
