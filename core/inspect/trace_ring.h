// The last events of one scheduler's thread.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "colibri/core/control_block.h"

namespace colibri {

enum class TraceKind : std::uint8_t {
  kBegan,    // recording, now; nothing is known of what was before
  kLeft,     // ran until now; its state says why it does not go on
  kEnded,    // ran until now
  kWoken,    // became ready since the event before
  kSpawned,  // the same, for the first time
};

/// Whose event: id and origin as in the control block; both 0 for the scheduler's loop.
struct TraceEvent {
  std::uint64_t ticks = 0;
  std::uint64_t id : 48 = 0;
  std::uint64_t origin : 16 = 0;
  TraceKind kind = TraceKind::kBegan;
  CoroutineState state = CoroutineState::kReady;
  WaitKind wait_kind = WaitKind::kNothing;
  WakeReason wake_reason = WakeReason::kFired;
  std::int32_t descriptor = 0;
};

/// Written by its thread; read by any. In words, since a reader may meet the writer in the midst of
/// an event, and then leaves it out.
class TraceRing {
 public:
  /// `events` is a power of two. Throws std::bad_alloc.
  TraceRing(std::size_t events, pid_t thread_id)
      : slots_(events), mask_(events - 1), thread_id_(thread_id) {}

  void add(const TraceEvent& event) noexcept;

  /// Any thread: what there is, the oldest first. Throws std::bad_alloc.
  std::vector<TraceEvent> events() const;
  /// The kernel's id of the thread.
  pid_t thread_id() const noexcept { return thread_id_; }

  // The rest is its thread's own.
  std::size_t queue_end = 0;   // how far the run queue has been looked through
  std::uint64_t last_new = 0;  // the id of the coroutine that was made last, of those met

  TraceRing* next = nullptr;  // in the list of all; never changes

 private:
  static constexpr std::size_t kWords = sizeof(TraceEvent) / sizeof(std::uint64_t);
  struct Slot {
    std::atomic<std::uint64_t> words[kWords];
  };

  std::vector<Slot> slots_;
  const std::size_t mask_;
  std::atomic<std::uint64_t> count_{0};  // of all events ever
  const pid_t thread_id_;
};

static_assert(sizeof(TraceEvent) == 24);

}  // namespace colibri
