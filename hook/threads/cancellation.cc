#include "colibri/hook/threads/cancellation.h"

#include <cerrno>

#include "colibri/core/coroutine_exit.h"
#include "colibri/core/scheduler.h"
#include "colibri/core/scheduler_watch.h"
#include "colibri/hook/own_code.h"
#include "colibri/hook/threads/thread_start.h"

namespace colibri {
namespace {

constexpr auto kPending = EmulatedThread::kCancelPending;
constexpr auto kDisabled = EmulatedThread::kCancelDisabled;
constexpr auto kAsynchronous = EmulatedThread::kCancelAsynchronous;
constexpr auto kEnding = EmulatedThread::kEnding;

bool acts(const EmulatedThread& thread) noexcept {
  return (thread.cancellation.load() & (kPending | kDisabled | kEnding)) == kPending;
}

/// Waits of cleanup handlers and destructors are as always.
void forget_wake(EmulatedThread& thread) noexcept {
  thread.coroutine->attention &= static_cast<std::uint8_t>(~ControlBlock::kCanceled);
}

[[noreturn]] void leave_cancelled(EmulatedThread& thread) {
  forget_wake(thread);
  note_exit_value(PTHREAD_CANCELED);
  exit_coroutine();
}

/// On the thread of its scheduler.
void wake_from_point(EmulatedThread& thread) noexcept {
  if (thread.coroutine == nullptr || thread.points == 0 || !acts(thread)) return;
  thread_state.scheduler->cancel(*thread.coroutine);
}

void wake_all_from_points() noexcept {
  emulated_threads::for_each([](EmulatedThread& thread) { wake_from_point(thread); });
}

/// Changes one bit to what `value`, which is `off` or `on`, says.
int change(EmulatedThread& thread, std::uint8_t bit, int off, int on, int value, int* old) {
  if (value != off && value != on) return EINVAL;
  const std::uint8_t before = value == on
                                  ? thread.cancellation.fetch_or(bit)
                                  : thread.cancellation.fetch_and(static_cast<std::uint8_t>(~bit));
  if (old != nullptr) *old = (before & bit) != 0 ? on : off;
  if ((thread.cancellation.load() & kAsynchronous) != 0 && acts(thread)) leave_cancelled(thread);
  return 0;
}

}  // namespace

EmulatedThread* begin_cancellation_point(const void* caller) {
  EmulatedThread* const thread = EmulatedThread::current();
  // What colibri itself calls, it has to see the end of.
  if (thread == nullptr || is_colibris_own(caller)) return nullptr;
  if (can_park()) thread_state.scheduler->begin_conducted_call();
  if (acts(*thread)) leave_cancelled(*thread);
  ++thread->points;
  return thread;
}

void end_cancellation_point(EmulatedThread& thread, bool failed) {
  --thread.points;
  if (failed && acts(thread)) leave_cancelled(thread);
  forget_wake(thread);
}

void pass_cancellation_point() {
  EmulatedThread* const thread = EmulatedThread::current();
  if (thread != nullptr && acts(*thread)) leave_cancelled(*thread);
}

int cancel_thread(EmulatedThread& thread) {
  {
    const SmallLockGuard guard(thread.lock);
    if (thread.state.load() == EmulatedThread::State::kFree) return ESRCH;
    thread.cancellation.fetch_or(kPending);
  }
  if (&thread == EmulatedThread::current()) {
    if ((thread.cancellation.load() & kAsynchronous) != 0) pass_cancellation_point();
  } else if (EmulatedThread::current() != nullptr) {
    wake_from_point(thread);
  } else {
    call_on_each_scheduler(&wake_all_from_points);
  }
  return 0;
}

int set_cancel_state(EmulatedThread& thread, int state, int* old_state) {
  return change(thread, kDisabled, PTHREAD_CANCEL_ENABLE, PTHREAD_CANCEL_DISABLE, state, old_state);
}

int set_cancel_type(EmulatedThread& thread, int type, int* old_type) {
  return change(thread, kAsynchronous, PTHREAD_CANCEL_DEFERRED, PTHREAD_CANCEL_ASYNCHRONOUS, type,
                old_type);
}

}  // namespace colibri
