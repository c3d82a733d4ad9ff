#include "samples/load_test/rate_profile.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace load_test {
namespace {

double seconds_of(RateProfile::Duration duration) {
  return static_cast<double>(duration.count()) / 1e9;
}

}  // namespace

RateProfile::RateProfile(double rate) {
  add(std::numeric_limits<double>::infinity(), rate, rate);
}

RateProfile::RateProfile(const std::vector<Stage>& stages, double share) {
  for (const Stage& stage : stages) {
    const double duration = seconds_of(stage.duration);
    const double from = stage.from * share;
    const double to = stage.to * share;
    if (stage.kind == Stage::Kind::kSpike) {
      add(duration / 2, from, to);
      add(duration / 2, to, from);
    } else {
      add(duration, from, to);
    }
  }
}

void RateProfile::add(double duration, double from, double to) {
  Piece piece{0, duration, 0, from, to};
  if (!pieces_.empty()) {
    const Piece& last = pieces_.back();
    piece.begin = last.begin + last.duration;
    piece.first_number = last.first_number + last.number_within(last.duration);
  }
  pieces_.push_back(piece);
}

double RateProfile::Piece::number_within(double seconds) const {
  return (from + slope() * seconds / 2) * seconds;
}

// The root that stays exact where the slope is small or the rate begins at 0.
double RateProfile::Piece::time_of(double number) const {
  if (number <= 0) return 0;
  const double discriminant = std::max(from * from + 2 * slope() * number, 0.0);
  return 2 * number / (from + std::sqrt(discriminant));
}

RateProfile::Duration RateProfile::due(double number) const {
  const auto behind = std::partition_point(pieces_.begin(), pieces_.end(), [&](const Piece& piece) {
    return piece.first_number <= number;
  });
  if (behind == pieces_.begin()) return kNever;
  const Piece& piece = *(behind - 1);
  const double within = piece.time_of(number - piece.first_number);
  // Of the last piece; also one whose rate is 0.
  if (!(within <= piece.duration)) return kNever;
  const double seconds = std::min(piece.begin + within, seconds_of(kNever));
  return Duration(std::llround(seconds * 1e9));
}

double RateProfile::number_before(Duration time) const {
  const double seconds = seconds_of(time);
  const auto behind = std::partition_point(
      pieces_.begin(), pieces_.end(), [&](const Piece& piece) { return piece.begin < seconds; });
  if (behind == pieces_.begin()) return 0;
  const Piece& piece = *(behind - 1);
  return piece.first_number + piece.number_within(std::min(seconds - piece.begin, piece.duration));
}

}  // namespace load_test
