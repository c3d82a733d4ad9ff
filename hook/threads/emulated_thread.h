// POSIX threads that are coroutines: the records that their pthread_t point to.
//
// States, and who makes the transition, under the record's lock:
//
//   kFree ──create──▶ kRunning ──its last act──▶ kEnded ──join, detach──▶ kFree
//   kRunning, and detached ──its last act──▶ kFree
//
// Records lie in a range of addresses of their own and are never unmapped: so a pthread_t is told
// from libc's by its value alone, and one of a thread that is gone can be asked without harm.
#pragma once

#include <pthread.h>
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>

#include "colibri/core/small_lock.h"
#include "colibri/core/thread_state.h"
#include "colibri/hook/threads/thread_signals.h"

namespace colibri {

struct VariableCopy;
struct VariableDestructor;

/// Where a thread begins: a void* (*)(void*) by POSIX, an int (*)(void*) by C11.
using AnyStart = void (*)();

/// The record of one thread. Any thread may look, under the lock.
struct alignas(64) EmulatedThread {
  enum class State : std::uint8_t { kFree, kRunning, kEnded };
  static constexpr std::size_t kNameBytes = 16;  // as the kernel has it
  // Bits of `cancellation`; see cancellation.h.
  static constexpr std::uint8_t kCancelPending = 1;
  static constexpr std::uint8_t kCancelDisabled = 2;
  static constexpr std::uint8_t kCancelAsynchronous = 4;
  static constexpr std::uint8_t kEnding = 8;

  SmallLock lock;  // over state, detached, joiner and name
  std::atomic<State> state{State::kFree};
  bool detached = false;
  bool of_c11 = false;  // start returns an int
  std::atomic<std::uint8_t> cancellation{0};
  std::uint8_t points = 0;           // that it is in, one within the other; its own to touch
  EmulatedThread* joiner = nullptr;  // who waits for its end; one at most
  union {
    AnyStart start = nullptr;  // until it runs
    void* result;              // from then on
  };
  union {
    void* argument = nullptr;
    EmulatedThread* next_free;  // while kFree
  };
  ControlBlock* coroutine = nullptr;  // null once it has ended; its own scheduler's to touch
  char name[kNameBytes] = "";
  // Its own, and its scheduler's to touch; owned. See thread_variables.h and
  // variable_destructors.h.
  VariableCopy* variables = nullptr;
  VariableDestructor* destructors = nullptr;
  ThreadSignals signals;

  /// The one that the running coroutine is; null for others and for plain threads.
  static EmulatedThread* current() noexcept {
    const ControlBlock* coroutine = thread_state.current;
    if (coroutine == nullptr || coroutine->extras == nullptr) return nullptr;
    return coroutine->extras->thread;
  }

  /// The one that `id` stands for, which may be gone by now; null if it is libc's own.
  static EmulatedThread* find(pthread_t id) noexcept;

  /// What the program knows it by. That of main is the one that libc gave it.
  pthread_t id() const noexcept;
  /// What gettid says: the process's for main; for others a number that the kernel gives to no
  /// thread, theirs alone as long as they live.
  pid_t number() const noexcept;
};

static_assert(sizeof(EmulatedThread) == 128);

namespace emulated_threads {

/// From now on the running coroutine is the main thread. With `stacks_are_chosen`, threads that do
/// not name a size run on the scheduler's default stacks, and all do if those are shared. In a
/// coroutine; ends the process with a sentence when there is no memory.
void begin(bool stacks_are_chosen) noexcept;
/// No coroutine is a thread any more. All but main must have ended.
void end() noexcept;
/// True between begin and end. Any thread.
bool are_on() noexcept;
/// As begin was told.
bool stacks_are_chosen() noexcept;

/// A record in state kRunning, without a coroutine; null when there is none. Any thread.
EmulatedThread* acquire() noexcept;
/// Gives it back. Under no lock; nobody else may use it any more. Any thread.
void release(EmulatedThread& thread) noexcept;

/// The main thread; null before begin, and once it has ended.
EmulatedThread* main_thread() noexcept;

/// Calls `visit` for each thread in state kRunning. While none begins or ends.
void for_each(const std::function<void(EmulatedThread&)>& visit);

/// `thread` has ended, and its record may be gone: tells who waits in `until_alone`. Any thread.
void count_end(const EmulatedThread& thread) noexcept;
/// True if main is the only one. Any thread.
bool is_alone() noexcept;
/// Waits until all but main have ended. In main's coroutine.
void until_alone() noexcept;

}  // namespace emulated_threads
}  // namespace colibri
