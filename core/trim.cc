#include "colibri/core/trim.h"

#include "colibri/core/scheduler.h"

namespace colibri {

void trim_now() noexcept {
  if (thread_state.scheduler != nullptr) {
    thread_state.scheduler->trim_now();
  } else {
    thread_stack_pool().trim_now();
    thread_shared_stacks().trim_now();
  }
}

}  // namespace colibri
