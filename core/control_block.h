// What colibri knows of one coroutine.
//
// States and who makes the transition:
//
//   kCreated ──spawn──▶ kReady ──scheduler──▶ kRunning ──yield──▶ kReady
//   kCreated ──spawn at once──▶ kRunning, and its spawner ──▶ kReady
//   kRunning ──park──▶ kParked ──unpark (first to fire)──▶ kReady
//   kCreated, kSuspended ──resume──▶ kRunning ──Coroutine::yield──▶ kSuspended
//   kRunning ──resume of another──▶ kResuming ──it yields or ends──▶ kRunning
//   kRunning ──its function returned or threw──▶ kDone
//
// A coroutine driven by resume() may park, too: its resumer stays kResuming meanwhile.
#pragma once

#include <cstdint>

#include "colibri/core/context.h"
#include "colibri/core/deadline.h"
#include "colibri/core/sanitizer.h"
#include "colibri/core/timer_queue.h"
#include "colibri/core/wait_list.h"
#include "colibri/core/waiter.h"

namespace colibri {

class LocalValue;
struct PrivateStack;

enum class CoroutineState : std::uint8_t {
  kCreated,
  kReady,
  kRunning,
  kResuming,
  kSuspended,
  kParked,
  kDone,
};

/// Why a parked coroutine runs again.
enum class WakeReason : std::uint8_t {
  kFired,        // what it waited for has come
  kTimeout,      // the wait's own deadline passed
  kLimit,        // an enclosing TimeLimit passed
  kCanceled,     // cancel() was called
  kClosed,       // the descriptor was closed by another coroutine or thread
  kInterrupted,  // a signal handler ran that wants calls to fail with EINTR
  kUnsupported,  // never parked: epoll refuses this kind of descriptor, which is always ready
};

/// What a parked coroutine waits for; for people who look inside.
enum class WaitKind : std::uint8_t { kNothing, kReadable, kWritable, kPoll, kSleep, kJoin, kOther };

/// Where in the source a coroutine was spawned. Refers to strings in the program's image.
struct SpawnSite {
  const char* file = "";
  std::uint32_t line = 0;

  /// The place of the call (when used as a default argument: of the caller's call).
  static constexpr SpawnSite here(const char* file = __builtin_FILE(),
                                  std::uint32_t line = __builtin_LINE()) noexcept {
    return {file, line};
  }
};

/// One flow of control, as the switch sees it: a coroutine or the thread's own.
struct Flow {
  StackPointer stack_pointer = nullptr;
  int saved_errno = 0;
  [[no_unique_address]] SanitizerFlow sanitizer;
};

/// The timer of a coroutine's present wait.
struct CoroutineTimer : Timer {
  ControlBlock* coroutine = nullptr;
};

/// Belongs to the thread that the coroutine runs on; touched by no other. What every switch and
/// every call touches lies in the first cache line.
struct alignas(64) ControlBlock : Flow {
  /// Bits of `attention`: what makes the next wait fail.
  static constexpr std::uint8_t kCanceled = 1;
  static constexpr std::uint8_t kInterrupted = 2;
  static constexpr std::uint8_t kUnwinding = 4;    // Coroutine::yield throws
  static constexpr std::uint8_t kTransferred = 8;  // gave its place to another by transfer

  CoroutineState state = CoroutineState::kCreated;
  WakeReason wake_reason = WakeReason::kFired;
  WaitKind wait_kind = WaitKind::kNothing;
  std::uint8_t attention = 0;
  ControlBlock* resumer = nullptr;  // gets control at Coroutine::yield; null: the thread itself
  ControlBlock* resumed = nullptr;  // while kResuming: who runs in its place
  Deadline limit;                   // of the enclosing TimeLimits
  std::int32_t wait_descriptor = -1;
  // The next two do not stand side by side on purpose: as one word, they would be read before the
  // bytes of the request that they come from have reached the cache.
  bool wait_may_fail = false;       // TimeLimit and cancel reach the current wait
  bool timer_is_limit = false;      // the armed timer stands for the TimeLimit
  bool wait_interruptible = false;  // signals reach the current wait
  bool started = false;             // has run at least once
  std::uint32_t bypass_depth = 0;   // hooks pass everything through while above zero

  WaitNode node;                                               // for waits for one thing
  Waiter waiter;                                               // for what other threads may bring
  StackPointer (*end)(ControlBlock& self) noexcept = nullptr;  // its last act; who runs next
  void (*body)(ControlBlock& self) = nullptr;                  // calls the user's function
  void (*destroy_callable)(void* callable) = nullptr;          // for one that never ran
  void* callable = nullptr;
  PrivateStack* stack = nullptr;
  CoroutineTimer timer;
  LocalValue* locals = nullptr;  // of CoroutineLocals; owned

  ControlBlock* next_alive = nullptr;  // in the scheduler's list of all
  ControlBlock* previous_alive = nullptr;
  std::uint64_t id = 0;
  SpawnSite site;
  const char* name = "";  // not owned; lives as long as the program
};

}  // namespace colibri
