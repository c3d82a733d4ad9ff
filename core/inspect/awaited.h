// What a parked coroutine waits for, and who could end the wait.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "colibri/core/control_block.h"
#include "colibri/core/waited_thing.h"

namespace colibri {

/// Who has what another one waits for.
struct Holder {
  std::uint64_t id = 0;   // 0: a plain thread
  std::string name = {};  // empty also where it is not known
};

/// One of the things that a coroutine waits for; a select waits for several.
struct Awaited {
  std::string words = {};             // "mutex held by #12 'writer'"
  std::optional<Holder> holder = {};  // nothing: nobody in particular, or that is not known
  bool by_flows_alone = false;        // as WaitedThing::by_flows_alone
  std::size_t handles = 0;            // as WaitFacts::handles
  const void* thing = nullptr;        // where it lies, while somebody waits for it
};

/// Innermost of those that it resumed by hand, `coroutine` must be parked: see leaf_of. On its own
/// thread. Looks at each thing under its lock. Throws std::bad_alloc.
std::vector<Awaited> awaited_by(const ControlBlock& coroutine);

/// True if it waits in the queue of something that other coroutines or threads act on.
inline bool waits_in_queue(const ControlBlock& coroutine) noexcept {
  return coroutine.wait_kind == WaitKind::kOther || coroutine.wait_kind == WaitKind::kQueue;
}

/// True for one that whoever made it is to resume: it has not been yet, or has yielded.
inline bool is_suspended_by_hand(const ControlBlock& coroutine) noexcept {
  return coroutine.by_hand && (coroutine.state == CoroutineState::kCreated ||
                               coroutine.state == CoroutineState::kSuspended);
}

/// In one line: "select: channel 'jobs' receive; channel 'stop' receive, until +1.2 s".
std::string describe_wait(const ControlBlock& coroutine);

/// When the wait ends by itself, from now on; nothing if it does not. Negative: any moment.
std::optional<std::chrono::nanoseconds> remaining_time(const ControlBlock& coroutine) noexcept;

}  // namespace colibri
