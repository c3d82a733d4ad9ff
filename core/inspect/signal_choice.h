// A realtime signal that the program does not use.
#pragma once

#include <signal.h>

#include <atomic>

namespace colibri {

/// Chooses one whose action is the default one, from the highest number down, and puts a handler
/// there, on the alternate stack and with SA_RESTART; another one if the program has made the
/// signal its own meanwhile. One thread's own, but for current().
class SignalChoice {
 public:
  using Handler = void (*)(int, siginfo_t*, void*);

  /// The signal; 0 if all are in use. All others are blocked while the handler runs.
  int get(Handler handler) noexcept;
  /// As get returned last.
  int current() const noexcept { return signal_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int> signal_{0};
};

}  // namespace colibri
