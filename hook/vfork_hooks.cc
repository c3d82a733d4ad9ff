// The part of vfork that is not assembly.
#include <cerrno>

#include "colibri/core/thread_state.h"
#include "colibri/hook/descriptor_table.h"

extern "C" {

/// Called by vfork in its place, with what the system call returned: first by the child, and when
/// that has gone, by the parent. On the stack of vfork's caller.
[[gnu::visibility("hidden")]] long colibri_vfork_returned(long result);

long colibri_vfork_returned(long result) {
  if (result < 0) {
    errno = static_cast<int>(-result);
    return -1;
  }
  const int change = result == 0 ? 1 : -1;
  colibri::descriptor_table::note_vfork(change);
  // A bypass: the child must not park what is the parent's.
  if (colibri::ControlBlock* coroutine = colibri::thread_state.current) {
    coroutine->bypass_depth = static_cast<std::uint8_t>(coroutine->bypass_depth + change);
  }
  return result;
}

}  // extern "C"
