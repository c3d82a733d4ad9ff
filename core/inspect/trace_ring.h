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
  std::uint64_t id = 0;
  std::uint16_t origin = 0;
  TraceKind kind = TraceKind::kBegan;
  CoroutineState state = CoroutineState::kReady;
  WaitKind wait_kind = WaitKind::kNothing;
  std::int32_t descriptor = 0;  // of a wait for one
};

/// Written by its thread; read by any. In words, since a reader may meet the writer in the midst of
/// an event, and then leaves it out.
///
/// An event is two words: the lower 48 bits of the time above what happened, and id and origin, as
/// they lie in the control block. Which descriptor is waited for stands in two more behind it. So a
/// time is known as one of the last day (48 bits of a counter of 3 GHz).
class TraceRing {
 public:
  /// `events` is a power of two. Throws std::bad_alloc.
  TraceRing(std::size_t events, pid_t thread_id)
      : slots_(events), mask_(events - 1), thread_id_(thread_id) {}

  /// Of the scheduler's loop, or of a coroutine.
  void add(std::uint64_t ticks, TraceKind kind) noexcept {
    put(word_of(ticks, kind, CoroutineState::kReady, WaitKind::kNothing), 0);
  }
  void add(std::uint64_t ticks, TraceKind kind, const ControlBlock& coroutine) noexcept {
    const WaitKind wait = coroutine.wait_kind;
    put(word_of(ticks, kind, coroutine.state, wait),
        coroutine.id | std::uint64_t{coroutine.origin} << kIdBits);
    const bool at_descriptor = wait == WaitKind::kReadable || wait == WaitKind::kWritable;
    if (at_descriptor && coroutine.state == CoroutineState::kParked) {
      put(kDescriptor, static_cast<std::uint32_t>(coroutine.wait_note.descriptor));
    }
  }

  /// Any thread: what there is, the oldest first. Throws std::bad_alloc.
  std::vector<TraceEvent> events() const;
  /// The kernel's id of the thread.
  pid_t thread_id() const noexcept { return thread_id_; }

  // The rest is its thread's own.
  std::size_t queue_end = 0;   // how far the run queue has been looked through
  std::uint64_t last_new = 0;  // the id of the coroutine that was made last, of those met

  TraceRing* next = nullptr;  // in the list of all; never changes

 private:
  struct Slot {
    std::atomic<std::uint64_t> what;
    std::atomic<std::uint64_t> whose;
  };
  static constexpr unsigned kIdBits = 48;
  // Of the first word: the time, and below it four bits for each of these.
  static constexpr unsigned kStateShift = 4;
  static constexpr unsigned kWaitShift = 8;
  static constexpr unsigned kTimeShift = 16;
  static constexpr std::uint64_t kDescriptor = 15;  // as a kind

  static std::uint64_t word_of(std::uint64_t ticks, TraceKind kind, CoroutineState state,
                               WaitKind wait) noexcept {
    return ticks << kTimeShift | static_cast<std::uint64_t>(wait) << kWaitShift |
           static_cast<std::uint64_t>(state) << kStateShift | static_cast<std::uint64_t>(kind);
  }
  static TraceEvent event_of(std::uint64_t what, std::uint64_t whose, std::uint64_t now) noexcept;
  void put(std::uint64_t what, std::uint64_t whose) noexcept {
    const std::uint64_t count = count_.load(std::memory_order_relaxed);
    Slot& slot = slots_[count & mask_];
    // Release: a reader that sees this sees the count of the event before, and so that the slot has
    // been reached.
    slot.what.store(what, std::memory_order_release);
    slot.whose.store(whose, std::memory_order_release);
    count_.store(count + 1, std::memory_order_release);
  }

  std::vector<Slot> slots_;
  const std::size_t mask_;
  std::atomic<std::uint64_t> count_{0};  // of all slots ever filled
  const pid_t thread_id_;
};

}  // namespace colibri
