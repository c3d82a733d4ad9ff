// Counts the signals that the process gets.
#pragma once

#include <signal.h>

#include "test/support/libc_parity.h"

namespace colibri::test {

/// While it lives, a handler counts one signal; afterwards its disposition is as before. One at a
/// time a process.
class [[nodiscard]] SignalCounter {
 public:
  /// Installs the handler through `libc`, with `flags` (SA_RESTART, …).
  SignalCounter(const Libc& libc, int signal, int flags = 0) : libc_(libc), signal_(signal) {
    counted = 0;
    struct sigaction action {};
    action.sa_handler = [](int) { ++counted; };
    action.sa_flags = flags;
    libc_.sigaction(signal, &action, &previous_);
  }
  SignalCounter(const Session& session, int signal, int flags = 0)
      : SignalCounter(session.libc, signal, flags) {}
  ~SignalCounter() { libc_.sigaction(signal_, &previous_, nullptr); }
  SignalCounter(const SignalCounter&) = delete;
  SignalCounter& operator=(const SignalCounter&) = delete;

  int count() const noexcept { return counted.load(); }

 private:
  inline static std::atomic<int> counted{0};
  const Libc& libc_;
  const int signal_;
  struct sigaction previous_ {};
};

}  // namespace colibri::test
