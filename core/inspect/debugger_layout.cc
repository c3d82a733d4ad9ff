#include "colibri/core/inspect/debugger_layout.h"

#include <cstddef>
#include <type_traits>

#include "colibri/core/control_block.h"
#include "colibri/core/origin_table.h"
#include "colibri/core/scheduler_list.h"
#include "colibri/core/shared_stack.h"
#include "colibri/core/thread_state.h"

namespace colibri {

// What core/gdb.py relies on and no offset says.
static_assert(static_cast<int>(CoroutineState::kCreated) == 0 &&
                  static_cast<int>(CoroutineState::kReady) == 1 &&
                  static_cast<int>(CoroutineState::kRunning) == 2 &&
                  static_cast<int>(CoroutineState::kResuming) == 3 &&
                  static_cast<int>(CoroutineState::kSuspended) == 4 &&
                  static_cast<int>(CoroutineState::kParked) == 5 &&
                  static_cast<int>(CoroutineState::kDone) == 6,
              "STATES in core/gdb.py");
static_assert(
    static_cast<int>(WaitKind::kNothing) == 0 && static_cast<int>(WaitKind::kReadable) == 1 &&
        static_cast<int>(WaitKind::kWritable) == 2 && static_cast<int>(WaitKind::kPoll) == 3 &&
        static_cast<int>(WaitKind::kSleep) == 4 && static_cast<int>(WaitKind::kJoin) == 5 &&
        static_cast<int>(WaitKind::kOther) == 6 && static_cast<int>(WaitKind::kQueue) == 7,
    "WAITS in core/gdb.py");
// Bits have no address: they are what lies between members that have one.
static_assert(offsetof(ControlBlock, bypass_depth) == offsetof(ControlBlock, attention) + 2);
static_assert(sizeof(ControlBlock) == offsetof(ControlBlock, resumed) + 16);
static_assert(sizeof(OriginIndex) == 2);
static_assert(std::is_same_v<decltype(SharedStack::memory), PrivateStack*>,
              "a stack ends where its PrivateStack lies");

constexpr std::uint32_t DebuggerLayout::kSharedStacksFirst = offsetof(SharedStacks, stacks_);

extern "C" {

[[gnu::used, gnu::retain]] constinit const DebuggerLayout colibri_debugger_layout = {
    .version = 1,
    .bytes = sizeof(DebuggerLayout),
    .first_scheduler = &scheduler_list.first,
    .origins = origin_entries,
    .scheduler_next = offsetof(SchedulerPlace, next),
    .scheduler_thread = offsetof(SchedulerPlace, thread),
    .scheduler_coroutines = offsetof(SchedulerPlace, coroutines),
    .scheduler_thread_id = offsetof(SchedulerPlace, thread_id),
    .thread_current = offsetof(ThreadState, current),
    .thread_shared_stacks = offsetof(ThreadState, shared_stacks),
    .coroutine_bytes = sizeof(ControlBlock),
    .coroutine_stack_pointer = offsetof(ControlBlock, stack_pointer),
    .coroutine_state = offsetof(ControlBlock, state),
    .coroutine_wait_kind = offsetof(ControlBlock, wait_kind),
    .coroutine_flags = offsetof(ControlBlock, attention) + 1,
    .coroutine_stack_index = offsetof(ControlBlock, stack_index),
    .coroutine_private_stack = ControlBlock::kPrivateStack,
    .coroutine_storage = offsetof(ControlBlock, storage),
    .coroutine_next = offsetof(ControlBlock, next_alive),
    .coroutine_extras = offsetof(ControlBlock, extras),
    .coroutine_resumed = offsetof(ControlBlock, resumed),
    .coroutine_id = offsetof(ControlBlock, resumed) + 8,
    .extras_checked_stack = offsetof(CoroutineExtras, checked_stack),
    .shared_stacks_first = DebuggerLayout::kSharedStacksFirst,
    .shared_stack_bytes = sizeof(SharedStack),
    .shared_stack_memory = offsetof(SharedStack, memory),
    .origin_bytes = sizeof(OriginEntry),
    .origin_file = offsetof(OriginEntry, file),
    .origin_name = offsetof(OriginEntry, name),
    .origin_line = offsetof(OriginEntry, line),
};
}

}  // namespace colibri
