// A scope without signals, for starting threads that never get one.
#pragma once

#include <signal.h>

#include "colibri/core/libc.h"

namespace colibri {

/// Blocks all signals of the calling thread while it lives; a thread that is started meanwhile
/// begins, and stays, with all of them blocked.
class [[nodiscard]] SignalsBlocked {
 public:
  SignalsBlocked() noexcept {
    sigset_t all;
    sigfillset(&all);
    real::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { real::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace colibri
