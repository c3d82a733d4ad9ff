// LogLimiter: says what happens a thousand times a second once a second.
#pragma once

#include <cstdint>
#include <string>

#include "colibri/core/deadline.h"
#include "colibri/core/log.h"

namespace colibri::net_detail {

/// One thread's.
class LogLimiter {
 public:
  /// Logs what `make_message()` returns, unless something was logged within the last second: then
  /// it is only counted, and the next message has the count.
  template <class MakeMessage>
  void log(LogLevel level, MakeMessage make_message) {
    if (!quiet_until_.has_passed()) {
      ++dropped_;
      return;
    }
    std::string message = make_message();
    if (dropped_ != 0) message += " (and " + std::to_string(dropped_) + " messages before)";
    colibri::log(level, message);
    dropped_ = 0;
    quiet_until_ = Deadline::after(std::chrono::seconds(1));
  }

 private:
  Deadline quiet_until_ = Deadline::at_nanoseconds(0);
  std::uint64_t dropped_ = 0;
};

}  // namespace colibri::net_detail
