// A scope in which the thread gets no signals, and threads that it starts never will.
#pragma once

#include "colibri/core/libc.h"

namespace colibri {

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
