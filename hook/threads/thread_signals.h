// The signals of a thread that is a coroutine: what it keeps away, and what waits for it.
#pragma once

#include <signal.h>

#include <atomic>
#include <cstdint>
#include <cstring>

namespace colibri {

/// A set of signals, as the kernel has it: bit n - 1 is signal n.
using SignalBits = std::uint64_t;

constexpr SignalBits signal_bit(int signal) noexcept {
  return SignalBits{1} << (signal - 1);
}

/// What of libc's set the kernel has a bit for.
inline SignalBits bits_of(const sigset_t& set) noexcept {
  SignalBits bits;
  std::memcpy(&bits, &set, sizeof bits);
  return bits;
}

inline sigset_t set_of(SignalBits bits) noexcept {
  sigset_t set;
  sigemptyset(&set);
  std::memcpy(&set, &bits, sizeof bits);
  return set;
}

struct PendingSignal;

/// Belongs to the thread's scheduler's thread, but for what is pending: see pending_signals.h.
struct ThreadSignals {
  SignalBits mask = 0;                 // what the thread keeps away while it runs
  SignalBits wait_mask = 0;            // while it does not: another one in ppoll and its kind
  SignalBits awaited = 0;              // by sigwait and its kind, in which the thread is
  std::atomic<SignalBits> pending{0};  // what was sent to this thread and is kept away
  PendingSignal* first = nullptr;      // what came with it, the oldest first
  // A handler has run on the thread's behalf, and its wait has not heard of it.
  std::atomic<bool> interrupted{false};  // one without SA_RESTART
  std::atomic<bool> restarted{false};    // one with it
};

}  // namespace colibri
