#include "colibri/core/thread_state.h"

#include <cerrno>

namespace colibri {

constinit thread_local ThreadState thread_state __attribute__((tls_model("initial-exec")));

void ThreadState::prepare() noexcept {
  errno_address = &errno;
  exceptions = ExceptionState::of_thread();
}

}  // namespace colibri
