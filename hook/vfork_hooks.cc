// The part of vfork that is not assembly.
#include <cerrno>

#include "colibri/core/thread_state.h"
#include "colibri/hook/descriptor_table.h"

extern "C" {

/// Called by vfork in its place, with what the system call returned and the parent's depth: first
/// by the child, if it lives long enough, and when that has gone, by the parent. On the stack of
/// vfork's caller.
[[gnu::visibility("hidden")]] long colibri_vfork_returned(long result, int parent_depth);

long colibri_vfork_returned(long result, int parent_depth) {
  if (result < 0) {
    errno = static_cast<int>(-result);
    return -1;
  }
  const int depth = result == 0 ? parent_depth + 1 : parent_depth;
  const int change = colibri::descriptor_table::set_vfork_depth(depth);
  // A bypass: the child must not park what is the parent's.
  if (colibri::ControlBlock* coroutine = colibri::thread_state.current) {
    coroutine->bypass_depth = static_cast<std::uint8_t>(coroutine->bypass_depth + change);
  }
  return result;
}

}  // extern "C"
