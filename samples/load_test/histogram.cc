#include "samples/load_test/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace load_test {

// With `shift` = 0 for values below 256 the formula gives the value itself; from there the seven
// bits behind the leading one pick the bucket inside the power of two that `shift` names.
std::size_t Histogram::bucket_of(std::uint64_t value) {
  const unsigned width = static_cast<unsigned>(std::bit_width(value));
  if (width > kLargestBits) return kBuckets - 1;
  const unsigned shift = width > kPrecisionBits + 1 ? width - kPrecisionBits - 1 : 0;
  return kBucketsPerPower * shift + (value >> shift);
}

std::uint64_t Histogram::highest_value_in(std::size_t bucket) {
  if (bucket < 2 * kBucketsPerPower) return bucket;
  const std::size_t shift = bucket / kBucketsPerPower - 1;
  const std::uint64_t leading = bucket - kBucketsPerPower * shift;
  return ((leading + 1) << shift) - 1;
}

void Histogram::record(std::int64_t value) {
  value = std::max<std::int64_t>(value, 0);
  ++buckets_[bucket_of(static_cast<std::uint64_t>(value))];
  min_ = count_ == 0 ? value : std::min(min_, value);
  max_ = std::max(max_, value);
  sum_ += static_cast<double>(value);
  ++count_;
}

void Histogram::merge(const Histogram& other) {
  if (other.count_ == 0) return;
  for (std::size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  min_ = count_ == 0 ? other.min_ : std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
  count_ += other.count_;
}

Histogram::Excerpt Histogram::excerpt() const {
  Excerpt excerpt{{}, min_, max_, sum_};
  for (std::size_t i = 0; i < kBuckets; ++i) {
    if (buckets_[i] == 0) continue;
    excerpt.counts.emplace_back(static_cast<std::int64_t>(highest_value_in(i)), buckets_[i]);
  }
  return excerpt;
}

void Histogram::add(const Excerpt& excerpt) {
  if (excerpt.counts.empty()) return;
  min_ = count_ == 0 ? excerpt.min : std::min(min_, excerpt.min);
  max_ = std::max(max_, excerpt.max);
  sum_ += excerpt.sum;
  for (const auto& [highest, number] : excerpt.counts) {
    buckets_[bucket_of(static_cast<std::uint64_t>(highest))] += number;
    count_ += number;
  }
}

double Histogram::mean() const {
  return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
}

std::int64_t Histogram::percentile(double percent) const {
  if (count_ == 0) return 0;
  // The small subtraction keeps 99.9 % of 1,000 at 999, whatever 99.9 is in binary.
  const double share = std::clamp(percent, 0.0, 100.0) * static_cast<double>(count_) / 100;
  const double wanted = std::ceil(share - 1e-6);
  const auto rank = static_cast<std::uint64_t>(std::max(wanted, 1.0));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i + 1 < kBuckets; ++i) {
    seen += buckets_[i];
    if (seen >= rank) return std::min(static_cast<std::int64_t>(highest_value_in(i)), max_);
  }
  return max_;  // the last bucket has no upper end
}

}  // namespace load_test
