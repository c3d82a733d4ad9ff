// Signals that a coroutine waits for by sigwait and its kind.
#pragma once

#include <signal.h>

#include "colibri/hook/threads/own_mask.h"

namespace colibri {

/// While it lives, the signals of a set are blocked in the thread, which to the program may be the
/// running coroutine alone, so that they are there to be
/// taken. A program should block them itself; but the kernel also lets a thread wait for others,
/// and takes them away from their handlers. What was open is open again when the last of the
/// coroutines that wait for it has gone. To be destroyed on the thread that made it.
class [[nodiscard]] HeldSignals {
 public:
  explicit HeldSignals(const sigset_t& set) noexcept;
  ~HeldSignals();
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

 private:
  const sigset_t set_;
  const BlockedInThread own_;
};

}  // namespace colibri
