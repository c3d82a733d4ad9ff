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
#include "colibri/core/spawn_site.h"
#include "colibri/core/timer_queue.h"
#include "colibri/core/wait_list.h"
#include "colibri/core/waiter.h"

namespace colibri {

class LocalValue;
struct EmulatedThread;
struct PrivateStack;
struct SpecificValues;

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
  kOutOfMemory,  // never parked: no memory for a timer
  kCompleted,    // an operation of the ring engine has ended; wait_note says how
};

/// What a parked coroutine waits for; for people who look inside.
enum class WaitKind : std::uint8_t {
  kNothing,
  kReadable,
  kWritable,
  kPoll,
  kSleep,
  kJoin,
  kOther,  // as kQueue; where a wait may take nanoseconds, and since when is not noted
  kQueue,  // in the queues of locks, channels and their kind
};

/// One flow of control, as the switch sees it: a coroutine or the thread's own.
struct Flow {
  StackPointer stack_pointer = nullptr;
  [[no_unique_address]] SanitizerFlow sanitizer;
};

/// The timer of a coroutine's present wait.
struct CoroutineTimer : Timer {
  ControlBlock* coroutine = nullptr;
};

/// What a parked coroutine notes of its wait, for people who look inside.
struct WaitNote {
  std::int32_t descriptor;  // while it waits for one; in poll, how many
  std::uint32_t since;      // by coarse_time
};

/// What most parked coroutines do not need: made when first asked for.
struct CoroutineExtras {
  CoroutineTimer timer;
  Deadline limit;                         // of the enclosing TimeLimits
  Waiter waiter;                          // for what other threads may bring
  LocalValue* locals = nullptr;           // of CoroutineLocals; owned
  SpecificValues* specific = nullptr;     // of pthread_setspecific; owned
  PrivateStack* checked_stack = nullptr;  // its range, in check mode on a shared stack
  char* own_name = nullptr;               // of set_name; owned, from malloc
  std::uint64_t parent = 0;               // the id of who spawned it, where that is noted
  EmulatedThread* thread = nullptr;  // the POSIX thread that it is to the program; see hook/threads
};

/// Belongs to the thread that the coroutine runs on; touched by no other. Eighty bytes: a parked
/// coroutine on a shared stack is this, its saved bytes, and a place in the run queue.
struct ControlBlock : Flow, WaitNode {
  /// Bits of `attention`: what a wait or a call has to look at before it begins.
  static constexpr std::uint8_t kCanceled = 1;      // waits that may fail do
  static constexpr std::uint8_t kInterrupted = 2;   // the next wait that signals reach fails
  static constexpr std::uint8_t kUnwinding = 4;     // Coroutine::yield throws
  static constexpr std::uint8_t kLimited = 8;       // a TimeLimit is in force
  static constexpr std::uint8_t kResumed = 16;      // it has a resumer: look at that one, too
  static constexpr std::uint8_t kTransferred = 32;  // gave its place to another by transfer
  /// `stack_index` of a coroutine with a stack of its own.
  static constexpr std::uint8_t kPrivateStack = 255;

  /// A bit of `bypass_depth`: a signal handler of the program's interrupted the coroutine.
  static constexpr std::uint8_t kInHandler = 128;

  CoroutineState state = CoroutineState::kCreated;
  WakeReason wake_reason = WakeReason::kFired;
  WaitKind wait_kind = WaitKind::kNothing;
  std::uint8_t attention = 0;
  bool direct : 1 = false;               // has begun, and its bytes lie on its stack
  bool by_hand : 1 = false;              // driven by Coroutine::resume, not by a scheduler
  bool wait_may_fail : 1 = false;        // TimeLimit and cancel reach the current wait
  bool wait_interruptible : 1 = false;   // so do signals
  bool wait_never_restarts : 1 = false;  // restarting handlers, too
  bool timer_armed : 1 = false;          // for the current wait
  bool timer_is_limit : 1 = false;       // it stands for the TimeLimit
  mutable bool has_parked : 1 = false;   // noted while metrics are on; for counts of hooks
  std::uint8_t bypass_depth = 0;         // hooks pass everything through while above zero
  std::uint8_t stack_index = kPrivateStack;

  /// The closure that the coroutine will call. Once it has begun, on a shared stack: memory for its
  /// saved bytes, or null.
  void* storage = nullptr;
  union {
    ControlBlock* next_alive = nullptr;  // in the scheduler's list of all
    ControlBlock* resumer;  // by_hand: gets control at Coroutine::yield; null: the thread itself
  };
  ControlBlock* previous_alive = nullptr;
  CoroutineExtras* extras = nullptr;  // see extras_of
  union {
    ControlBlock* resumed = nullptr;  // while kResuming: who runs in its place
    WaitNote wait_note;               // while kParked
  };
  std::uint64_t id : 48 = 0;
  std::uint64_t origin : 16 = 0;

  bool on_shared_stack() const noexcept { return stack_index != kPrivateStack; }
  /// Who resumed it; null for one that a scheduler runs, or the thread itself resumed.
  ControlBlock* resumer_or_null() const noexcept { return by_hand ? resumer : nullptr; }
  Deadline limit() const noexcept {
    return (attention & kLimited) != 0 ? extras->limit : Deadline::never();
  }
  const char* name() const noexcept {
    return extras != nullptr && extras->own_name != nullptr ? extras->own_name
                                                            : origin_of(origin).name;
  }
  SpawnSite site() const noexcept { return origin_of(origin).site; }
};

static_assert(kAddressSanitizer || kThreadSanitizer || sizeof(ControlBlock) == 80);

/// Whom a wait node stands for.
inline ControlBlock& coroutine_of(WaitNode& node) noexcept {
  return node.is_slot ? *static_cast<WaitSlot&>(node).coroutine : static_cast<ControlBlock&>(node);
}
inline const ControlBlock& coroutine_of(const WaitNode& node) noexcept {
  return coroutine_of(const_cast<WaitNode&>(node));
}

/// The coroutine at the end of the chain of resumes that `coroutine` has begun: who really runs or
/// waits on its behalf. `Block` may be const.
template <class Block>
Block& leaf_of(Block& coroutine) noexcept {
  Block* leaf = &coroutine;
  while (leaf->state == CoroutineState::kResuming) leaf = leaf->resumed;
  return *leaf;
}

}  // namespace colibri
