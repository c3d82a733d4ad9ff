// syscall(SYS_futex, …): how std::future, std::atomic::wait, std::counting_semaphore, std::latch
// and the guards of function-local statics wait. A coroutine that waits so stands in the parking
// lot; whoever wakes looks there first, and then asks the kernel.
#include <linux/futex.h>
#include <sys/syscall.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <limits>

#include "colibri/core/parking_lot.h"
#include "colibri/hook/blocking_call.h"
#include "colibri/hook/calling_object.h"
#include "colibri/hook/point_in_time.h"
#include "colibri/hook/program_memory.h"

namespace colibri {
namespace {

/// How many coroutines wait so, in all threads. One too many does no harm.
constinit std::atomic<std::uint32_t> waiting_coroutines{0};

using Word = std::uint32_t;

struct FutexCall {
  Word* word;
  int operation;
  Word value;
  const timespec* timeout;
  Word mask;

  int kind() const noexcept { return operation & FUTEX_CMD_MASK; }
  bool is_private() const noexcept { return (operation & FUTEX_PRIVATE_FLAG) != 0; }
  bool waits() const noexcept {
    return kind() == FUTEX_WAIT || (kind() == FUTEX_WAIT_BITSET && mask == FUTEX_BITSET_MATCH_ANY);
  }
  bool wakes() const noexcept {
    return kind() == FUTEX_WAKE || (kind() == FUTEX_WAKE_BITSET && mask != 0);
  }
  /// Wakes some and moves others, or wakes at two words.
  bool wakes_besides() const noexcept {
    return kind() == FUTEX_REQUEUE || kind() == FUTEX_CMP_REQUEUE || kind() == FUTEX_WAKE_OP;
  }
  bool still_has_value() const noexcept {
    return std::atomic_ref<Word>(*word).load(std::memory_order_seq_cst) == value;
  }
};

/// False for what the kernel would refuse.
bool read_deadline(const FutexCall& call, Deadline& deadline, int& error) noexcept {
  if (call.timeout == nullptr) return true;
  timespec time{};
  error = EFAULT;
  if (!read_argument(time, call.timeout)) return false;
  error = EINVAL;
  if (time.tv_sec < 0 || time.tv_nsec < 0 || time.tv_nsec >= 1'000'000'000) return false;
  if (call.kind() == FUTEX_WAIT_BITSET) {
    const bool realtime = (call.operation & FUTEX_CLOCK_REALTIME) != 0;
    deadline = PointInTime(realtime ? CLOCK_REALTIME : CLOCK_MONOTONIC, time).deadline();
  } else {
    constexpr time_t kMostSeconds = 9'000'000'000;
    if (time.tv_sec >= kMostSeconds) return true;
    deadline =
        Deadline::after(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
  }
  return true;
}

/// Waits once: kFired if woken or if the word has another value.
WakeReason wait_once(const FutexCall& call, const WaitTerms& terms, bool& had_value) noexcept {
  waiting_coroutines.fetch_add(1, std::memory_order_acq_rel);
  WaitPlace* place =
      ParkingLot::join(call.word, true, 0, [&call] { return call.still_has_value(); });
  had_value = place != nullptr;
  const WakeReason reason =
      place != nullptr ? ParkingLot::wait(*place, terms, [] {}) : WakeReason::kFired;
  waiting_coroutines.fetch_sub(1, std::memory_order_relaxed);
  return reason;
}

/// Parks the coroutine. The error, or 0.
int park_at(const FutexCall& call) noexcept {
  Word seen = 0;
  if (reinterpret_cast<std::uintptr_t>(call.word) % sizeof(Word) != 0) return EINVAL;
  if (!read_argument(seen, call.word)) return EFAULT;
  int error = 0;
  Deadline deadline;
  if (!read_deadline(call, deadline, error)) return error;
  // libstdc++ ignores the errors of a wait without an end.
  const bool may_fail = call.timeout != nullptr;
  // Another process may have changed a word that is not private, and its wake reaches nobody here.
  GrowingPause pause(std::chrono::milliseconds(50), std::chrono::seconds(1));
  for (;;) {
    Deadline until = deadline;
    if (!call.is_private()) until = std::min(deadline, pause.begin());
    bool had_value = false;
    const WakeReason reason = wait_once(
        call, {.deadline = until, .may_fail = may_fail, .interruptible = true}, had_value);
    if (!had_value) return EAGAIN;
    if (reason == WakeReason::kFired) return 0;
    if (reason == WakeReason::kInterrupted) return EINTR;
    if (reason != WakeReason::kTimeout || deadline.has_passed()) return ETIMEDOUT;
  }
}

/// Wakes up to so many coroutines that wait at `word`; how many it were.
long wake_coroutines(const Word* word, long most) noexcept {
  // By a write to the count: either it comes before a waiter's, who then sees the word that the
  // caller has just changed, or it sees the waiter's.
  if (waiting_coroutines.fetch_add(0, std::memory_order_acq_rel) == 0) return 0;
  long woken = 0;
  while (woken < most) {
    bool found = false;
    ParkingLot::wake_one(word, [&found](const WaitPlace* place) { found = place != nullptr; });
    if (!found) break;
    ++woken;
  }
  return woken;
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

/// What syscall_ARCHITECTURE.S jumps to for SYS_futex.
long colibri_futex_call(long number, Word* word, int operation, Word value, const timespec* timeout,
                        Word* second, Word mask) {
  const FutexCall call{word, operation, value, timeout, mask};
  if (call.waits() && may_park_caller(__builtin_return_address(0))) {
    const int saved_errno = errno;
    const int error = park_at(call);
    errno = error != 0 ? error : saved_errno;
    return error != 0 ? -1 : 0;
  }
  if (call.wakes_besides()) {
    // Coroutines are not moved but woken, all of them: they look at the word again.
    wake_coroutines(word, std::numeric_limits<long>::max());
    if (call.kind() == FUTEX_WAKE_OP) wake_coroutines(second, std::numeric_limits<long>::max());
  }
  if (!call.wakes()) {
    return real::syscall(number, word, operation, value, timeout, second, mask);
  }
  const long woken = wake_coroutines(word, static_cast<long>(value));
  if (woken >= static_cast<long>(value)) return woken;
  const long others = real::syscall(number, word, operation, value - static_cast<Word>(woken),
                                    timeout, second, mask);
  return others >= 0 ? others + woken : (woken != 0 ? woken : others);
}

}  // extern "C"
