// Where the scheduler calls those who look inside it, which core knows nothing else of.
#pragma once

#include <atomic>
#include <cstdint>

namespace colibri {

class Scheduler;

/// Null while nobody asks for it. Called on the scheduler's thread, outside coroutines; they must
/// neither start nor end any.
struct InspectionCalls {
  /// Nobody is ready, no timer runs, and the thread is about to sleep until an event comes. Returns
  /// when it wants to be called again if none does: after so many nanoseconds; negative: never.
  std::atomic<std::int64_t (*)(Scheduler&)> before_endless_sleep{nullptr};
  /// Main has ended, and others have not.
  std::atomic<void (*)(Scheduler&)> before_cancelling_all{nullptr};
};

extern constinit InspectionCalls inspection_calls;

}  // namespace colibri
