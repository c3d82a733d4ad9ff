// Who decides what a scheduler does next, where otherwise order and clock do: for runs under test.
//
// A scheduler with a conductor goes back to its loop after each slice. There the conductor picks
// who runs next, and in which of its calls that one gives way to others: in any that may wait, so
// that nothing happens between coroutines that could not happen without it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace colibri {

/// What a scheduler knows when nobody is ready.
struct IdleMoment {
  /// When the next timer is due, in nanoseconds of the monotonic clock; TimerQueue::kNever: none.
  std::int64_t next_timer;
  /// Somebody waits for a descriptor, or under a signal mask of its own.
  bool waits_for_outside;
};

/// Its methods are called by the loop of the scheduler that it was given to, outside coroutines.
class Conductor {
 public:
  virtual ~Conductor() = default;

  /// Who runs next: the index among `ready` coroutines, of which there is one at least.
  virtual std::size_t choose(std::size_t ready) noexcept = 0;

  /// In which of its calls that may wait, counted from 1, the one that runs next gives way.
  virtual std::uint32_t calls_in_slice() noexcept = 0;

  /// True to look at descriptors and messages from other threads before the next slice.
  virtual bool looks_outside() noexcept = 0;

  /// Nobody is ready. For how long to wait for descriptors and messages, in real nanoseconds; 0:
  /// only to look at them. Called again as long as that makes nobody ready, and no timer does that
  /// has become due meanwhile.
  virtual std::int64_t when_idle(const IdleMoment& moment) noexcept = 0;

  /// True, for good, when main will not end: the run then ends as if it had, and main is one of
  /// those that are cancelled.
  virtual bool gives_up() const noexcept = 0;
};

}  // namespace colibri
