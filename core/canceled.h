// How cancellation and time-outs look in C++: exceptions of the standard's kind.
#pragma once

#include <system_error>

#include "colibri/core/control_block.h"

namespace colibri {

/// Thrown by blocking calls of colibri's own API in a cancelled coroutine
/// (errc::operation_canceled). Let it pass: it unwinds the coroutine, and is not logged.
class Canceled : public std::system_error {
 public:
  Canceled()
      : std::system_error(std::make_error_code(std::errc::operation_canceled),
                          "the coroutine was cancelled") {}
};

/// Throws what fits `reason`: nothing for kFired, Canceled, or std::system_error (timed_out,
/// bad_file_descriptor, interrupted).
void throw_if_failed(WakeReason reason, const char* what);

}  // namespace colibri
