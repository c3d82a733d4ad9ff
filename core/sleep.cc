#include "colibri/core/sleep.h"

#include <sched.h>

#include <cerrno>
#include <exception>

#include "colibri/core/canceled.h"
#include "colibri/core/libc.h"
#include "colibri/core/scheduler.h"

namespace colibri {
namespace {

void sleep_thread_until(Deadline deadline) {
  timespec time{};
  time.tv_sec = deadline.nanoseconds() / 1'000'000'000;
  time.tv_nsec = deadline.nanoseconds() % 1'000'000'000;
  while (real::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr) == EINTR) {
  }
}

}  // namespace

void sleep_until(Deadline deadline) {
  if (!can_park()) {
    sleep_thread_until(deadline);
    return;
  }
  const WakeReason reason =
      thread_state.scheduler->park({.deadline = deadline, .kind = WaitKind::kSleep});
  // The time that was asked for is over: that is success here.
  if (reason != WakeReason::kTimeout) throw_if_failed(reason, "sleep");
}

void detail::yield_thread() noexcept {
  sched_yield();
}

void detail::throw_if_canceled() {
  for (ControlBlock* each = thread_state.current; each != nullptr; each = each->resumer_or_null()) {
    if ((each->attention & ControlBlock::kCanceled) != 0 && std::uncaught_exceptions() == 0) {
      throw Canceled();
    }
  }
}

}  // namespace colibri
