// pthread_cancel of threads that are coroutines.
//
// It is deferred: it acts at a cancellation point, where the thread leaves by pthread_exit with
// PTHREAD_CANCELED. A point is a hooked call that may wait and that POSIX says is one; see
// is_cancellation_point. In one, a thread that waits is woken, and one that is about to wait does
// not; the call fails inside, which the thread's code never sees. A call that had succeeded by then
// returns, and the next one acts.
//
//   bits:  kPending ──▶ acts once neither kDisabled nor kEnding is set, at the next point
//          kEnding, from the first frame that is unwound on: nothing acts any more
#pragma once

#include <atomic>
#include <string_view>

#include "colibri/hook/threads/emulated_thread.h"

namespace colibri {

/// True once there are threads that can be cancelled so. Any thread.
inline constinit std::atomic<bool> threads_can_be_cancelled{false};

/// True for the hooks that wait and are points by POSIX, of those that ask.
constexpr bool is_cancellation_point(std::string_view name) noexcept {
  return !name.starts_with("pthread_mutex") && !name.starts_with("pthread_barrier") &&
         name != "getaddrinfo";
}

/// True for the hooks that return an error, or what is left to wait, and do not set errno.
constexpr bool returns_its_error(std::string_view name) noexcept {
  return name.starts_with("pthread_") || name == "sleep" || name == "clock_nanosleep" ||
         name == "sigwait";
}

// The running coroutine may not return from these: its frames are unwound then. So they must not be
// called within a noexcept function.

/// A point begins, in a call from `caller`. Returns the thread that is to be told of its end; null
/// where it is none: for whoever is no such thread, and for calls of colibri's own.
EmulatedThread* begin_cancellation_point(const void* caller);
/// Its end. The call has `failed`.
void end_cancellation_point(EmulatedThread& thread, bool failed);
/// A point that never waits. No effect for whoever is no such thread.
void pass_cancellation_point();

/// As pthread_cancel. Any thread. Returns for the caller itself, too, unless its type is
/// asynchronous.
int cancel_thread(EmulatedThread& thread);

/// As pthread_setcancelstate and pthread_setcanceltype, for `thread`, the running coroutine.
int set_cancel_state(EmulatedThread& thread, int state, int* old_state);
int set_cancel_type(EmulatedThread& thread, int type, int* old_type);

}  // namespace colibri
