// Numbers that one thread writes, and that others read without a lock and without making it slower.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace colibri {

/// A count or a size. Writing it is a plain store: there must be one writer at a time.
class Figure {
 public:
  void add(std::uint64_t difference = 1) noexcept { set(get() + difference); }
  void set(std::uint64_t value) noexcept { value_.store(value, std::memory_order_relaxed); }
  /// Any thread.
  std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// How often spans of time were how long: a bucket each power of two, from 1 µs to 8.4 s, and one
/// for what is longer. One writer; any thread reads.
class DurationHistogram {
 public:
  static constexpr std::size_t kBuckets = 25;

  /// What the spans in `bucket` do not exceed, in nanoseconds; not for the last one, which has no
  /// end.
  static constexpr std::int64_t bound_of(std::size_t bucket) noexcept {
    return std::int64_t{1000} << bucket;
  }

  /// A negative span counts as none.
  void record(std::int64_t nanoseconds) noexcept {
    const auto span = static_cast<std::uint64_t>(nanoseconds > 0 ? nanoseconds : 0);
    const std::uint64_t whole = span == 0 ? 0 : (span - 1) / 1000;
    const auto bucket = static_cast<std::size_t>(std::bit_width(whole));
    buckets_[bucket < kBuckets ? bucket : kBuckets - 1].add();
    sum_.add(span);
  }

  /// Spans in one bucket. Any thread.
  std::uint64_t count_in(std::size_t bucket) const noexcept { return buckets_[bucket].get(); }
  /// Of all spans, in nanoseconds. Any thread.
  std::uint64_t sum() const noexcept { return sum_.get(); }

  /// Forgets all.
  void clear() noexcept {
    for (Figure& each : buckets_) each.set(0);
    sum_.set(0);
  }

 private:
  std::array<Figure, kBuckets> buckets_{};
  Figure sum_;
};

}  // namespace colibri
