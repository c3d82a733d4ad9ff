// What debuggers must know to find coroutines in a process or a core file, as constants in the
// program: so they need no debug information, which release builds have not. core/gdb.py reads it.
#pragma once

#include <cstdint>

namespace colibri {

/// Offsets are in bytes, into the structure that the name begins with. Members only ever follow
/// those that are there, and `bytes` grows; a change of what one means changes `version`.
struct DebuggerLayout {
  std::uint32_t version;
  std::uint32_t bytes;  // of this table

  const void* first_scheduler;  // address of the pointer to the first SchedulerPlace
  const void* origins;          // address of the first OriginEntry

  std::uint32_t scheduler_next;
  std::uint32_t scheduler_thread;
  std::uint32_t scheduler_coroutines;
  std::uint32_t scheduler_thread_id;

  std::uint32_t thread_current;
  std::uint32_t thread_shared_stacks;

  std::uint32_t coroutine_bytes;
  std::uint32_t coroutine_stack_pointer;
  std::uint32_t coroutine_state;
  std::uint32_t coroutine_wait_kind;
  std::uint32_t coroutine_flags;  // a byte; its lowest bit: the bytes lie on the stack
  std::uint32_t coroutine_stack_index;
  std::uint32_t coroutine_private_stack;  // the index that stands for a stack of one's own
  std::uint32_t coroutine_storage;        // of the saved bytes
  std::uint32_t coroutine_next;
  std::uint32_t coroutine_extras;
  std::uint32_t coroutine_resumed;  // while it waits for a descriptor: 4 bytes, its number
  std::uint32_t coroutine_id;       // 8 bytes; the upper 16 bits are the origin's index

  std::uint32_t extras_checked_stack;

  std::uint32_t shared_stacks_first;
  std::uint32_t shared_stack_bytes;
  std::uint32_t shared_stack_memory;  // where the stack ends

  std::uint32_t origin_bytes;
  std::uint32_t origin_file;
  std::uint32_t origin_name;
  std::uint32_t origin_line;

  // Private to SharedStacks, whose friend this is.
  static const std::uint32_t kSharedStacksFirst;
};

/// By this name debuggers find it.
extern "C" const DebuggerLayout colibri_debugger_layout;

}  // namespace colibri
