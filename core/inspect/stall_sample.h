// What a thread is doing at this moment, asked by a signal.
//
// The thread's handler, on the alternate stack, notes which coroutine runs and copies its stack,
// and nothing more: neither memory nor a lock is taken, so the code that is interrupted may be
// anything. SA_RESTART lets a system call go on; calls that fail with EINTR all the same are not to
// be interrupted, and can be looked at from outside instead.
#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "colibri/core/inspect/kernel_state.h"
#include "colibri/core/inspect/stack_copy.h"
#include "colibri/core/scheduler_list.h"

namespace colibri {

/// A question to one thread, and its answer. Large, and must not go away while it is asked: static,
/// or in the heap.
struct StallSample {
  /// So many holders of a lock are looked for at most.
  static constexpr std::size_t kMostHolders = 4;

  struct Coroutine {
    std::uint64_t id = 0;
    OriginIndex origin = 0;
    StackCopy stack;
  };

  // The question.
  pid_t thread = 0;
  std::size_t position = 0;  // of its run queue: whose slice is meant
  std::uintptr_t lock = 0;   // of this lock, which waits for itself, holders are looked for; 0: no

  // The answer.
  Coroutine culprit;
  std::array<Coroutine, kMostHolders> holders;
  std::size_t holder_count = 0;
  bool holders_are_certain = false;  // the lock's address lies on their stacks; else: all that park
};

enum class SampleResult {
  kTaken,
  kOver,      // another slice runs by now, or no coroutine
  kNoAnswer,  // the thread did not get a processor, or blocks the signal, or is gone
};

/// Asks by signal, and waits for the answer up to `patience`. One thread at a time, outside
/// coroutines.
SampleResult ask_thread(StallSample& sample, std::chrono::nanoseconds patience) noexcept;

/// Looks at the thread of `scheduler`, which sits in `call`, without disturbing it. The same
/// callers. Afterwards the caller makes sure that it has sat there all the while.
SampleResult look_at_thread(StallSample& sample, const ListedScheduler& scheduler,
                            const SystemCall& call) noexcept;

/// The signal in use, for those who want to leave it alone; 0: none yet.
int stall_signal() noexcept;

/// In the child of a fork: nobody asks any more.
void forget_samples_in_child() noexcept;

}  // namespace colibri
