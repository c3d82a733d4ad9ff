// What a thread knows of itself: which coroutine runs, and its scheduler.
#pragma once

#include "colibri/core/control_block.h"
#include "colibri/core/exception_state.h"

namespace colibri {

class EventLoop;
class RunQueue;
class Scheduler;

struct ThreadState {
  ControlBlock* current = nullptr;  // null: the thread's own flow runs
  Scheduler* scheduler = nullptr;   // null: this thread has none
  RunQueue* run_queue = nullptr;    // the scheduler's
  EventLoop* event_loop = nullptr;  // the scheduler's
  int* errno_address = nullptr;     // both are set by prepare()
  ExceptionState* exceptions = nullptr;
  Flow own_flow;

  /// To be called before the thread's first switch.
  void prepare() noexcept;
};

/// A coroutine never leaves its thread, so compilers may keep this address over a switch.
extern constinit thread_local ThreadState thread_state __attribute__((tls_model("initial-exec")));

/// True where a blocking call parks a coroutine: inside one, on a thread with a scheduler.
inline bool can_park() noexcept {
  return thread_state.current != nullptr && thread_state.scheduler != nullptr;
}

/// Which ending of the switch fits; see context.h.
enum class SwitchEnding { kReturn, kJump };

/// Runs `to` until something switches back to `from`, the running flow. errno and the record of
/// C++ exceptions are kept for `from`.
template <SwitchEnding ending>
[[gnu::always_inline]] inline void switch_flow(Flow& from, Flow& to) noexcept {
  ThreadState& thread = thread_state;
  const int saved_errno = *thread.errno_address;
  const ExceptionState exceptions = *thread.exceptions;
  const bool in_flight = !exceptions.empty();
  if (in_flight) [[unlikely]]
    *thread.exceptions = ExceptionState{};
  from.sanitizer.before_switch(to.sanitizer, false);
  if constexpr (ending == SwitchEnding::kReturn) {
    colibri_context_switch(&from.stack_pointer, to.stack_pointer);
  } else {
    colibri_context_jump(&from.stack_pointer, to.stack_pointer);
  }
  from.sanitizer.after_switch();
  // Every flow leaves the thread's record empty, so only a full one has to be written back.
  if (in_flight) [[unlikely]]
    *thread.exceptions = exceptions;
  *thread.errno_address = saved_errno;
}

/// The same for a flow that has ended: nothing is kept, and it never returns.
[[noreturn]] inline void switch_for_good(Flow& from, Flow& to) noexcept {
  from.sanitizer.before_switch(to.sanitizer, true);
  colibri_context_switch(&from.stack_pointer, to.stack_pointer);
  __builtin_unreachable();
}

}  // namespace colibri
