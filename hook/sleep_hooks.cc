// sleep, usleep, nanosleep, clock_nanosleep. libc's own reach the kernel without each other's
// help, so each name has its hook.
#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "colibri/hook/blocking_call.h"
#include "colibri/hook/counted_call.h"
#include "colibri/hook/program_memory.h"

namespace colibri {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t nanoseconds_of(const timespec& time) noexcept {
  constexpr std::int64_t kMostSeconds = std::numeric_limits<std::int64_t>::max() / kSecond - 1;
  return std::min<std::int64_t>(time.tv_sec, kMostSeconds) * kSecond + time.tv_nsec;
}

timespec timespec_of(std::int64_t nanoseconds) noexcept {
  return {nanoseconds / kSecond, nanoseconds % kSecond};
}

bool is_valid(const timespec& time) noexcept {
  return time.tv_sec >= 0 && time.tv_nsec >= 0 && time.tv_nsec < kSecond;
}

/// Parks until `deadline`; 0, or the error, with what is left in `remaining`.
int sleep_until_deadline(Deadline deadline, std::int64_t& remaining) {
  const WakeReason reason = thread_state.scheduler->park({.deadline = deadline,
                                                          .kind = WaitKind::kSleep,
                                                          .interruptible = true,
                                                          .never_restarts = true});
  remaining = 0;
  if (reason == WakeReason::kTimeout) return 0;
  remaining = std::max<std::int64_t>(deadline.nanoseconds() - monotonic_now(), 0);
  return error_of(reason);
}

/// Tells the program how long an interrupted sleep had yet to go. The error of the call.
int report_remaining(timespec* remaining, const timespec& left, int error) noexcept {
  if (remaining == nullptr || write_program_memory(remaining, &left, sizeof left)) return error;
  return EFAULT;
}

/// As nanosleep, with the error as the result.
int sleep_relative(const timespec& request, timespec* remaining) {
  if (!is_valid(request)) return EINVAL;
  std::int64_t left = 0;
  const int error = sleep_until_deadline(
      Deadline::after(std::chrono::nanoseconds(nanoseconds_of(request))), left);
  return error == 0 ? 0 : report_remaining(remaining, timespec_of(left), error);
}

/// Until a time of a clock that can be set or that counts suspension: a timer of the kernel's
/// follows such changes.
int sleep_by_kernel_timer(clockid_t clock, int flags, const timespec& request,
                          timespec* remaining) {
  const int timer = timerfd_create(clock, TFD_NONBLOCK | TFD_CLOEXEC);
  if (timer < 0) return errno;
  itimerspec setting{};
  setting.it_value = request;
  // All zero would disarm the timer; a nanosecond is in the past just as well.
  if (request.tv_sec == 0 && request.tv_nsec == 0) setting.it_value.tv_nsec = 1;
  int error = 0;
  if (timerfd_settime(timer, flags == TIMER_ABSTIME ? TFD_TIMER_ABSTIME : 0, &setting, nullptr)) {
    error = errno;
  }
  std::uint64_t expirations = 0;
  WaitLimits limits;
  limits.interruptible = limits.never_restarts = true;
  while (error == 0 && real::read(timer, &expirations, sizeof expirations) < 0) {
    error = error_of(wait_ready(timer, Direction::kRead, limits));
  }
  if (error != 0 && flags != TIMER_ABSTIME) {
    timerfd_gettime(timer, &setting);
    error = report_remaining(remaining, setting.it_value, error);
  }
  thread_state.event_loop->detach(timer);
  real::close(timer);
  return error;
}

/// The kernel has no timer on International Atomic Time; it is never set, so that a span of it is a
/// span of any clock.
int sleep_on_atomic_time(int flags, const timespec& request, timespec* remaining) {
  if (flags != TIMER_ABSTIME) return sleep_relative(request, remaining);
  timespec now{};
  clock_gettime(CLOCK_TAI, &now);
  const std::int64_t span = nanoseconds_of(request) - nanoseconds_of(now);
  std::int64_t left = 0;
  return sleep_until_deadline(Deadline::after(std::chrono::nanoseconds(span)), left);
}

/// Clocks that the kernel's timers do not know: libc says what is wrong with them.
bool has_kernel_timer(clockid_t clock) noexcept {
  return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME ||
         clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
}

bool is_cpu_clock(clockid_t clock) noexcept {
  return clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID || clock < 0;
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

unsigned int sleep(unsigned int seconds) {
  if (parkable_coroutine() == nullptr) return real::sleep(seconds);
  return counted<"sleep">([&]() -> unsigned {
    if (!may_begin()) return seconds;
    std::int64_t left = 0;
    const int error = sleep_until_deadline(Deadline::after(std::chrono::seconds(seconds)), left);
    if (error == 0) return 0;
    errno = error;
    return static_cast<unsigned int>((left + kSecond / 2) / kSecond);
  });
}

int usleep(useconds_t microseconds) {
  if (parkable_coroutine() == nullptr) return real::usleep(microseconds);
  return counted<"usleep">([&]() -> int {
    if (!may_begin()) return -1;
    std::int64_t left = 0;
    const int error =
        sleep_until_deadline(Deadline::after(std::chrono::microseconds(microseconds)), left);
    return error == 0 ? 0 : fail_with_errno(error);
  });
}

int nanosleep(const timespec* request, timespec* remaining) {
  if (parkable_coroutine() == nullptr) return real::nanosleep(request, remaining);
  return counted<"nanosleep">([&]() -> int {
    if (!may_begin()) return -1;
    timespec wanted{};
    if (!read_argument(wanted, request)) return fail_with_errno(EFAULT);
    const int error = sleep_relative(wanted, remaining);
    return error == 0 ? 0 : fail_with_errno(error);
  });
}

int clock_nanosleep(clockid_t clock, int flags, const timespec* request, timespec* remaining) {
  // A sleep on a clock of CPU time cannot be parked: it waits for what this thread itself spends.
  if (parkable_coroutine() == nullptr || is_cpu_clock(clock) ||
      (clock != CLOCK_TAI && !has_kernel_timer(clock))) {
    return -pass_through([&] { return -real::clock_nanosleep(clock, flags, request, remaining); });
  }
  return counted<"clock_nanosleep">([&]() -> int {
    const int saved_errno = errno;
    if (!may_begin()) return std::exchange(errno, saved_errno);
    timespec wanted{};
    if (!read_argument(wanted, request)) return EFAULT;
    if (!is_valid(wanted)) return EINVAL;
    if (flags != TIMER_ABSTIME && (clock == CLOCK_MONOTONIC || clock == CLOCK_REALTIME)) {
      return sleep_relative(wanted, remaining);
    }
    if (clock == CLOCK_MONOTONIC) {
      std::int64_t left = 0;
      return sleep_until_deadline(Deadline::at_nanoseconds(nanoseconds_of(wanted)), left);
    }
    if (clock == CLOCK_TAI) return sleep_on_atomic_time(flags, wanted, remaining);
    const int error = sleep_by_kernel_timer(clock, flags, wanted, remaining);
    errno = saved_errno;
    return error;
  });
}

}  // extern "C"
