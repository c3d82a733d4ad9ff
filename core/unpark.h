// Waking a parked coroutine on its own thread.
#pragma once

#include "colibri/core/probes.h"
#include "colibri/core/run_queue.h"
#include "colibri/core/thread_state.h"

namespace colibri {

/// Makes `coroutine` ready if it is parked. The first to call it after a park decides the reason;
/// later calls have no effect. Only on the coroutine's own thread: see parker.h for others.
inline void unpark(ControlBlock& coroutine, WakeReason reason) noexcept {
  if (coroutine.state != CoroutineState::kParked) return;
  coroutine.state = CoroutineState::kReady;
  coroutine.wake_reason = reason;
  probe::wake(coroutine);
  thread_state.run_queue->push_back(coroutine);
}

/// Wakes everybody in `list` and empties it.
inline void unpark_all(WaitList& list, WakeReason reason) noexcept {
  while (WaitNode* node = list.pop_front()) unpark(coroutine_of(*node), reason);
}

}  // namespace colibri
