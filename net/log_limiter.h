// LogLimiter: says what happens a thousand times a second once a second.
#pragma once

#include <cstdint>
#include <exception>
#include <string>

#include "colibri/core/deadline.h"
#include "colibri/core/log.h"

namespace colibri::net_detail {

/// One thread's.
class LogLimiter {
 public:
  /// Logs what `make_message()` returns, unless something was logged within the last second: then
  /// it is only counted, and the next message has the count. The same if there is no memory for
  /// it: whoever has an error to log goes on.
  template <class MakeMessage>
  void log(LogLevel level, MakeMessage make_message) noexcept {
    ++count_;
    if (!quiet_until_.has_passed()) return;
    try {
      std::string message = make_message();
      if (count_ != 1) message += " (and " + std::to_string(count_ - 1) + " messages before)";
      colibri::log(level, message);
    } catch (const std::exception&) {
      return;
    }
    count_ = 0;
    quiet_until_ = Deadline::after(std::chrono::seconds(1));
  }

 private:
  Deadline quiet_until_ = Deadline::at_nanoseconds(0);
  std::uint64_t count_ = 0;  // since one was logged
};

}  // namespace colibri::net_detail
