// What we make of a pthread_once_t, and of C11's once_flag, which is the same: a routine that parks
// lets others on, and who comes meanwhile waits for it as a coroutine or a thread.
//
//   0 ──the first comes──▶ under way, in this generation ──the routine returns──▶ kDone
//   under way ──the routine throws, or its thread is cancelled──▶ 0, and the next one runs it
//   under way, in an earlier generation ──somebody comes──▶ under way, in this generation
//
// A generation (parking_lot.h) ends in the child of a fork: who ran the routine is not there.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstddef>

namespace colibri {

/// Any coroutine and any thread.
class OnceBody {
 public:
  static OnceBody& of(pthread_once_t* once) noexcept { return *reinterpret_cast<OnceBody*>(once); }

  /// Returns after `routine` has run once, here or elsewhere; waits for code at `caller`. Not ended
  /// by cancel or a TimeLimit. Throws what `routine` throws.
  void run(void (*routine)(), const void* caller) {
    if (word_.load(std::memory_order_acquire) != kDone) [[unlikely]]
      run_slowly(routine, caller);
  }

 private:
  static constexpr int kDone = 2;  // as libc has it

  static int under_way() noexcept;
  void run_slowly(void (*routine)(), const void* caller);
  void wait(int seen, const void* caller) noexcept;
  void run_here(void (*routine)());
  void become(int state) noexcept;

  std::atomic<int> word_;

  static void check_layout() noexcept;
};

}  // namespace colibri
