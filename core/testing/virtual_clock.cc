#include "colibri/core/testing/virtual_clock.h"

#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>

#include <algorithm>
#include <cerrno>

#include "colibri/core/check.h"

namespace colibri::testing {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

constinit thread_local VirtualClock* this_threads = nullptr;

/// libc's function: the next after ours. Not by RealFunction, which looks from the hooks on: of
/// shared libraries theirs comes first, and the next after theirs is ours.
template <class Function>
Function* next_function(const char* name, Function* /*declaration*/) noexcept {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

int real_clock_gettime(clockid_t clock, timespec* time) noexcept {
  static const auto function = next_function("clock_gettime", ::clock_gettime);
  return function(clock, time);
}

int real_gettimeofday(timeval* time, void* zone) noexcept {
  static const auto function = next_function("gettimeofday", ::gettimeofday);
  return function(time, zone);
}

time_t real_time(time_t* time) noexcept {
  static const auto function = next_function("time", ::time);
  return function(time);
}

bool counts_cpu_time(clockid_t clock) noexcept {
  return clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;
}

/// 0 for a clock that the system does not have.
std::int64_t system_reading(clockid_t clock) noexcept {
  const int saved_errno = errno;
  timespec time{};
  if (real_clock_gettime(clock, &time) != 0) time = {};
  errno = saved_errno;
  return time.tv_sec * kSecond + time.tv_nsec;
}

}  // namespace

VirtualClock::VirtualClock() noexcept {
  check(this_threads == nullptr, "a second VirtualClock on one thread");
  for (std::size_t clock = 0; clock < kClocks; ++clock) {
    const auto number = static_cast<clockid_t>(clock);
    if (!counts_cpu_time(number)) starts_[clock] = system_reading(number);
  }
  this_threads = this;
}

VirtualClock::~VirtualClock() {
  this_threads = nullptr;
}

VirtualClock* VirtualClock::current() noexcept {
  return this_threads;
}

void VirtualClock::advance_to(std::int64_t time) noexcept {
  elapsed_ = std::max(elapsed_, std::chrono::nanoseconds(time - starts_[CLOCK_MONOTONIC]));
}

bool VirtualClock::read(clockid_t clock, timespec& time) const noexcept {
  // Clocks of processes and threads have negative numbers.
  if (clock < 0 || static_cast<std::size_t>(clock) >= kClocks) return false;
  const std::int64_t start = starts_[static_cast<std::size_t>(clock)];
  if (start == 0) return false;
  const std::int64_t now = start + elapsed_.count();
  time = {now / kSecond, now % kSecond};
  return true;
}

std::int64_t real_now() noexcept {
  return system_reading(CLOCK_MONOTONIC);
}

}  // namespace colibri::testing

using namespace colibri::testing;

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const VirtualClock* virtual_clock = VirtualClock::current();
  if (virtual_clock != nullptr && virtual_clock->read(clock, *time)) return 0;
  return real_clock_gettime(clock, time);
}

int gettimeofday(timeval* time, void* zone) noexcept {
  timespec now{};
  const VirtualClock* virtual_clock = VirtualClock::current();
  if (virtual_clock == nullptr || !virtual_clock->read(CLOCK_REALTIME, now)) {
    return real_gettimeofday(time, zone);
  }
  *time = {now.tv_sec, now.tv_nsec / 1'000};
  return 0;
}

time_t time(time_t* time) noexcept {
  timespec now{};
  const VirtualClock* virtual_clock = VirtualClock::current();
  if (virtual_clock == nullptr || !virtual_clock->read(CLOCK_REALTIME, now)) return real_time(time);
  if (time != nullptr) *time = now.tv_sec;
  return now.tv_sec;
}

}  // extern "C"
