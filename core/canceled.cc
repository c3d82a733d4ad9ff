#include "colibri/core/canceled.h"

namespace colibri {

void throw_if_failed(WakeReason reason, const char* what) {
  const auto fail = [what](std::errc code) {
    throw std::system_error(std::make_error_code(code), what);
  };
  switch (reason) {
    case WakeReason::kFired:
    case WakeReason::kUnsupported:
    case WakeReason::kCompleted:
      return;
    case WakeReason::kCanceled:
      throw Canceled();
    case WakeReason::kTimeout:
    case WakeReason::kLimit:
      fail(std::errc::timed_out);
      break;
    case WakeReason::kClosed:
      fail(std::errc::bad_file_descriptor);
      break;
    case WakeReason::kOutOfMemory:
      fail(std::errc::not_enough_memory);
      break;
    case WakeReason::kInterrupted:
      fail(std::errc::interrupted);
      break;
  }
}

}  // namespace colibri
