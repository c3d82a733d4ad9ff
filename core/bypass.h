// A scope in which hooked calls go straight to libc, for code that must not park.
#pragma once

#include "colibri/core/thread_state.h"

namespace colibri {

/// While it lives, hooked calls of the current coroutine behave as outside any coroutine: they
/// block the thread. Nests. No effect outside a coroutine, where hooks pass through anyway. Mutexes
/// and condition variables block the thread, too: a lock that another coroutine of the thread
/// holds, or that was just handed to one, is waited for for ever. To be destroyed by the coroutine
/// that made it.
class [[nodiscard]] Bypass {
 public:
  Bypass() noexcept : coroutine_(thread_state.current) {
    if (coroutine_ != nullptr) ++coroutine_->bypass_depth;
  }
  ~Bypass() {
    if (coroutine_ != nullptr) --coroutine_->bypass_depth;
  }
  Bypass(const Bypass&) = delete;
  Bypass& operator=(const Bypass&) = delete;

 private:
  ControlBlock* coroutine_;
};

}  // namespace colibri
