#include "colibri/core/thread_state.h"

#include <cerrno>

namespace colibri {

constinit thread_local ThreadState thread_state __attribute__((tls_model("initial-exec")));

void ThreadState::prepare() noexcept {
  errno_address = &errno;
  exceptions = ExceptionState::of_thread();
}

void switch_with_exceptions(Flow& from, Flow& to) noexcept {
  ThreadState& thread = thread_state;
  const ExceptionState saved = *thread.exceptions;
  *thread.exceptions = ExceptionState{};
  switch_flow<SwitchEnding::kReturn>(from, to);
  *thread.exceptions = saved;
}

}  // namespace colibri
