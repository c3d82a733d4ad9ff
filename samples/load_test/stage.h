// Stages: how the rate of an open loop changes with time.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace load_test {

/// A stretch of time with a rate of its own. A value.
struct Stage {
  enum class Kind : std::uint8_t {
    kRamp,   // evenly from one rate to the other
    kHold,   // one rate
    kSpike,  // evenly from one rate to the other in half of the time, and back in the rest
  };

  Kind kind = Kind::kHold;
  double from = 0;  // messages a second
  double to = 0;    // the same as `from` for kHold
  std::chrono::nanoseconds duration{0};

  /// As parse_stage reads it.
  std::string text() const;
};

/// Reads "ramp:0-1000:5s", "hold:1000:10s" or "spike:1000-5000:500ms"; a time without a unit is in
/// seconds, and may be in minutes (m). Throws std::invalid_argument with a sentence that says what
/// is wrong.
Stage parse_stage(std::string_view text);

}  // namespace load_test
