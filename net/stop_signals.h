// StopSignals: signals that ask a program to end, as something that a coroutine waits for.
#pragma once

#include <signal.h>

#include <map>
#include <span>

#include "colibri/net/owned_descriptor.h"

namespace colibri {

/// While it lives, these signals interrupt nothing and end nobody, but only end wait(). One at a
/// time in a process: a second one ends it with a sentence.
class StopSignals {
 public:
  /// Throws std::system_error.
  explicit StopSignals(std::span<const int> signals);
  /// The signals do again what they did before.
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// Waits until one of them has come since the last wait. In a coroutine. Throws Canceled, and
  /// std::system_error (timed_out) when a TimeLimit is over.
  void wait();

 private:
  void restore() noexcept;

  OwnedDescriptor event_;
  std::map<int, struct sigaction> previous_;
};

}  // namespace colibri
