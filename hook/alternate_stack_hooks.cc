// sigaltstack. The alternate stack is the thread's. colibri's own looks like none to the program,
// and comes back when the program takes its own away.
#include <sys/syscall.h>
#include <unistd.h>

#include "colibri/core/alternate_stack.h"

namespace colibri {
namespace {

/// libc's is this system call and nothing else. Sanitizers call it before they, or dlsym, are ready
/// for anybody's code.
__attribute__((no_sanitize("thread"))) int call_kernel(const stack_t* wanted,
                                                       stack_t* previous) noexcept {
  return static_cast<int>(syscall(SYS_sigaltstack, wanted, previous));
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" __attribute__((no_sanitize("thread"))) int sigaltstack(const stack_t* wanted,
                                                                  stack_t* previous) noexcept {
  const stack_t& ours = own_alternate_stack;
  if (ours.ss_sp == nullptr) return call_kernel(wanted, previous);
  // The kernel goes first: it knows which pointers are good.
  const int result = call_kernel(wanted, previous);
  if (result != 0) return result;
  if (wanted != nullptr && (wanted->ss_flags & SS_DISABLE) != 0) call_kernel(&ours, nullptr);
  if (previous != nullptr && previous->ss_sp == ours.ss_sp) {
    *previous = stack_t{nullptr, SS_DISABLE, 0};
  }
  return result;
}
