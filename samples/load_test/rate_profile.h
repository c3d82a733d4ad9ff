// When messages are due: the stages of a load, as a function of time and its inverse.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "samples/load_test/stage.h"

namespace load_test {

/// The rate is linear within each piece, so the number of messages is a parabola there, and so is
/// its inverse a square root. Immutable once built; any thread.
class RateProfile {
 public:
  using Duration = std::chrono::nanoseconds;

  /// No messages at all.
  RateProfile() = default;
  /// The same rate for ever.
  explicit RateProfile(double rate);
  /// One stage after another, each rate times `share`; nothing behind the last.
  RateProfile(const std::vector<Stage>& stages, double share);

  /// When message `number` is due, counted from 0 at the beginning; fractions lie between two.
  /// kNever behind the last one.
  Duration due(double number) const;
  /// How many are due before `time`, with the fraction of the next.
  double number_before(Duration time) const;

  /// A time that no run reaches, and that can be added to one that is.
  static constexpr Duration kNever = std::chrono::hours(24 * 365);

 private:
  struct Piece {
    double begin;         // seconds
    double duration;      // seconds; infinite for the same rate for ever
    double first_number;  // how many messages came before it
    double from;          // rates
    double to;

    double slope() const { return duration > 1e12 ? 0 : (to - from) / duration; }
    double number_within(double seconds) const;
    double time_of(double number) const;
  };

  void add(double duration, double from, double to);

  std::vector<Piece> pieces_;
};

}  // namespace load_test
