#include "colibri/core/testing/virtual_time.h"

#include "colibri/core/check.h"
#include "colibri/core/testing/virtual_clock.h"

namespace colibri::testing {
namespace {

VirtualClock& clock_for(const char* caller) noexcept {
  VirtualClock* clock = VirtualClock::current();
  if (clock == nullptr) {
    fail(caller,
         " called where time is the system's; call it in a run_with_seed with virtual time");
  }
  return *clock;
}

}  // namespace

void advance(std::chrono::nanoseconds duration) noexcept {
  check(duration.count() >= 0, "colibri::testing::advance called to go back in time");
  clock_for("colibri::testing::advance").advance(duration);
}

std::chrono::nanoseconds elapsed() noexcept {
  return clock_for("colibri::testing::elapsed").elapsed();
}

}  // namespace colibri::testing
