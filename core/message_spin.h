// Whether to look out for messages of other threads before going to sleep.
//
// A sleep and a wake-up through epoll cost some microseconds on both sides, more than what two
// schedulers that answer each other do between two messages. So a scheduler whose last sleeps were
// all ended by messages stays awake for a moment first. When that was in vain, it takes twice as
// many such sleeps until it tries again: where messages are rare, next to nothing is lost, and who
// gets none never looks.
#pragma once

#include <cstdint>

#include "colibri/core/inbox.h"

namespace colibri {

/// One scheduler's own.
class MessageSpin {
 public:
  /// How many sleeps in a row messages must have ended, at first, and at most.
  static constexpr std::uint32_t kFewestSleeps = 4;
  static constexpr std::uint32_t kMostSleeps = 4096;
  /// Of so many messages found in a row, one is for going on by a look at descriptors.
  static constexpr std::uint32_t kMostInARow = 64;

  /// Before a sleep of at most so many nanoseconds (negative: for ever): true if a message has
  /// come, and the sleep may be left out together with the look at descriptors. May take 20 µs.
  bool finds_message(const Inbox& inbox, std::int64_t sleep) noexcept {
    return sleeps_ >= needed_ && look_out(inbox, sleep);
  }

  /// After a sleep.
  void note_sleep(bool ended_by_message) noexcept { sleeps_ = ended_by_message ? sleeps_ + 1 : 0; }

 private:
  bool look_out(const Inbox& inbox, std::int64_t sleep) noexcept;
  bool note_found() noexcept;

  std::uint32_t sleeps_ = 0;  // in a row, that messages ended
  std::uint32_t needed_ = kFewestSleeps;
  std::uint32_t found_ = 0;  // messages, in a row
};

}  // namespace colibri
