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
#include "colibri/core/waited_thing.h"
#include "colibri/hook/blocking_call.h"
#include "colibri/hook/calling_object.h"
#include "colibri/hook/growing_pause.h"
#include "colibri/hook/point_in_time.h"
#include "colibri/hook/program_memory.h"

namespace colibri {
namespace {

/// How many coroutines wait so, in all threads. One too many does no harm.
constinit std::atomic<std::uint32_t> waiting_coroutines{0};

constexpr ParkedThing kFutex{"futex"};

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

/// When a waiter looks at the clock and at the word again. It keeps its place in the queue
/// meanwhile: a wake that changes no word must not be lost.
class Looks {
 public:
  explicit Looks(const FutexCall& call) noexcept : call_(call) {}

  /// False for what the kernel would refuse, with the error.
  bool read_end(int& error) noexcept {
    if (call_.timeout == nullptr) return true;
    error = EFAULT;
    if (!read_argument(time_, call_.timeout)) return false;
    error = EINVAL;
    if (time_.tv_sec < 0 || time_.tv_nsec < 0 || time_.tv_nsec >= 1'000'000'000) return false;
    if (call_.kind() == FUTEX_WAIT_BITSET) {
      const bool realtime = (call_.operation & FUTEX_CLOCK_REALTIME) != 0;
      end_ = PointInTime(realtime ? CLOCK_REALTIME : CLOCK_MONOTONIC, time_);
    } else {
      timespec now{};
      clock_gettime(CLOCK_MONOTONIC, &now);
      constexpr time_t kMostSeconds = 9'000'000'000;  // and never beyond
      time_.tv_sec = std::min(time_.tv_sec, kMostSeconds) + now.tv_sec;
      time_.tv_nsec += now.tv_nsec;
      time_.tv_sec += time_.tv_nsec / 1'000'000'000;
      time_.tv_nsec %= 1'000'000'000;
      end_ = PointInTime(CLOCK_MONOTONIC, time_);
    }
    return true;
  }

  /// Until when to wait before is_over is asked.
  Deadline next() noexcept {
    if (call_.is_private()) return end_.deadline();
    return std::min(end_.deadline(), pause_.begin());
  }

  /// For ParkingLot::wait: true once the time is over, or another process has changed the word,
  /// whose wake reaches nobody here.
  bool is_over(Deadline& deadline) noexcept {
    if (end_.has_passed()) return true;
    has_changed_ = !call_.is_private() && !call_.still_has_value();
    deadline = next();
    return has_changed_;
  }
  bool has_changed() const noexcept { return has_changed_; }

  Looks(const Looks&) = delete;
  Looks& operator=(const Looks&) = delete;

 private:
  const FutexCall& call_;
  timespec time_{};
  PointInTime end_ = PointInTime::never();
  GrowingPause pause_{std::chrono::milliseconds(50), std::chrono::seconds(1)};
  bool has_changed_ = false;
};

/// Waits if the word still has the value; `had_value` says so. kFired: woken, or the word has
/// changed.
WakeReason wait_for_change(const FutexCall& call, Looks& looks, bool& had_value) noexcept {
  waiting_coroutines.fetch_add(1, std::memory_order_acq_rel);
  WaitPlace* place =
      ParkingLot::join(call.word, true, 0, [&call] { return call.still_has_value(); });
  had_value = place != nullptr;
  WakeReason reason = WakeReason::kFired;
  if (had_value) {
    place->parked_at = &kFutex;
    // libstdc++ ignores the errors of a wait without an end.
    const WaitTerms terms{
        .deadline = looks.next(), .may_fail = call.timeout != nullptr, .interruptible = true};
    reason = ParkingLot::wait(
        *place, terms, [] {}, [&looks](Deadline& deadline) { return looks.is_over(deadline); });
    if (looks.has_changed() && reason == WakeReason::kTimeout) reason = WakeReason::kFired;
  }
  waiting_coroutines.fetch_sub(1, std::memory_order_relaxed);
  return reason;
}

/// Parks the coroutine. The error, or 0.
int park_at(const FutexCall& call) noexcept {
  Word seen = 0;
  if (reinterpret_cast<std::uintptr_t>(call.word) % sizeof(Word) != 0) return EINVAL;
  if (!read_argument(seen, call.word)) return EFAULT;
  int error = 0;
  Looks looks(call);
  if (!looks.read_end(error)) return error;
  bool had_value = false;
  const WakeReason reason = wait_for_change(call, looks, had_value);
  if (!had_value) return EAGAIN;
  if (reason == WakeReason::kFired) return 0;
  return reason == WakeReason::kInterrupted ? EINTR : ETIMEDOUT;
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
