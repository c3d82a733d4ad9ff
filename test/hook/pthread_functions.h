// The locks of pthread.h as values, so that one test body runs on libc's own and on the hooks; and
// other flows to try them from.
#pragma once

#include <pthread.h>

#include <functional>
#include <thread>

#include "test/support/libc_parity.h"

namespace colibri::test {

struct Locks {
  decltype(real::pthread_mutex_init.get()) mutex_init;
  decltype(real::pthread_mutex_destroy.get()) mutex_destroy;
  decltype(real::pthread_mutex_lock.get()) mutex_lock;
  decltype(real::pthread_mutex_trylock.get()) mutex_trylock;
  decltype(real::pthread_mutex_timedlock.get()) mutex_timedlock;
  decltype(real::pthread_mutex_clocklock.get()) mutex_clocklock;
  decltype(real::pthread_mutex_unlock.get()) mutex_unlock;
  decltype(real::pthread_cond_init.get()) cond_init;
  decltype(real::pthread_cond_destroy.get()) cond_destroy;
  decltype(real::pthread_cond_wait.get()) cond_wait;
  decltype(real::pthread_cond_timedwait.get()) cond_timedwait;
  decltype(real::pthread_cond_clockwait.get()) cond_clockwait;
  decltype(real::pthread_cond_signal.get()) cond_signal;
  decltype(real::pthread_cond_broadcast.get()) cond_broadcast;
};

/// Those that the session is about.
inline const Locks& locks_of(const Session& session) {
  static const Locks libc{real::pthread_mutex_init.get(),      real::pthread_mutex_destroy.get(),
                          real::pthread_mutex_lock.get(),      real::pthread_mutex_trylock.get(),
                          real::pthread_mutex_timedlock.get(), real::pthread_mutex_clocklock.get(),
                          real::pthread_mutex_unlock.get(),    real::pthread_cond_init.get(),
                          real::pthread_cond_destroy.get(),    real::pthread_cond_wait.get(),
                          real::pthread_cond_timedwait.get(),  real::pthread_cond_clockwait.get(),
                          real::pthread_cond_signal.get(),     real::pthread_cond_broadcast.get()};
  static const Locks hooks{pthread_mutex_init,    pthread_mutex_destroy,   pthread_mutex_lock,
                           pthread_mutex_trylock, pthread_mutex_timedlock, pthread_mutex_clocklock,
                           pthread_mutex_unlock,  pthread_cond_init,       pthread_cond_destroy,
                           pthread_cond_wait,     pthread_cond_timedwait,  pthread_cond_clockwait,
                           pthread_cond_signal,   pthread_cond_broadcast};
  return &session.libc == &real_libc() ? libc : hooks;
}

/// Calls `action` in a flow of the session's kind, a coroutine or a thread, and waits for its end.
inline void elsewhere(const Session& session, const std::function<void()>& action) {
  if (session.in_coroutine()) {
    spawn([&action] { action(); }).join();
  } else {
    std::thread(action).join();
  }
}

/// Notes the error that `call` returns, by name; and errno if it was touched.
template <class Call>
void note_error(Session& session, Call call) {
  errno = 0;
  const int error = call();
  session.note(error == 0 ? "0" : strerrorname_np(error));
  if (errno != 0) session.append("and errno");
}

/// So long from now, which may be negative.
inline timespec from_now(clockid_t clock, long nanoseconds) {
  timespec time{};
  clock_gettime(clock, &time);
  time.tv_nsec += nanoseconds;
  time.tv_sec += time.tv_nsec / 1'000'000'000;
  time.tv_nsec %= 1'000'000'000;
  if (time.tv_nsec < 0) {
    time.tv_nsec += 1'000'000'000;
    --time.tv_sec;
  }
  return time;
}

}  // namespace colibri::test
