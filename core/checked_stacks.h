// The check mode of shared stacks: what breaks their law (shared_stack.h) fails at once.
//
// While a coroutine is parked, an address in one of its frames belongs to whoever runs on the same
// shared stack, so nothing can tell a wrong access from a right one. In check mode each coroutine
// that asks for a shared stack therefore gets an address range of its own, which is inaccessible
// whenever it does not run:
//
//   closed ──open, before it runs──▶ open ──close, after it has left──▶ closed
//
// An access by anybody else faults, and foreign_access.h names both. Nothing is copied; every
// switch changes protections instead, on the thread's stack. For up to some 10,000 coroutines: each
// may take two of the process's mappings (vm.max_map_count).
#pragma once

#include <cstddef>
#include <memory>

#include "colibri/core/control_block.h"
#include "colibri/core/stack.h"

namespace colibri {

/// Whether shared stacks are checked that threads without any make from now on. By COLIBRI_CHECK in
/// the environment: "shared", or "none"; otherwise yes in debug builds without a sanitizer, and no
/// in others. Throws std::invalid_argument, quoting it, for another value.
bool shared_stacks_are_checked();

/// Decides it, whatever the environment says. Any thread.
void check_shared_stacks(bool on) noexcept;

/// The ranges of one thread. Not thread-safe but for owner_of_closed.
class CheckedStacks {
 public:
  CheckedStacks();
  ~CheckedStacks();
  CheckedStacks(const CheckedStacks&) = delete;
  CheckedStacks& operator=(const CheckedStacks&) = delete;

  /// Gives a new coroutine, which has its extras, an open range of at least `bytes`. Errors: as
  /// StackPool::acquire; nothing has changed then.
  void place(ControlBlock& coroutine, std::size_t bytes);
  /// The coroutine ends, and may still be running there.
  void release(ControlBlock& coroutine) noexcept;

  /// Where its first frame is laid.
  static void* top_of(const ControlBlock& coroutine) noexcept;
  static PrivateStack& stack_of(const ControlBlock& coroutine) noexcept {
    return *coroutine.extras->checked_stack;
  }
  static bool is_open(const ControlBlock& coroutine) noexcept;

  /// False when the system refuses: it stays closed.
  bool open(ControlBlock& coroutine) noexcept;
  /// If the system refuses, it stays open, unchecked, and a line is logged once.
  void close(ControlBlock& coroutine) noexcept;

  /// Whose range `memory` is; null when nobody's.
  ControlBlock* user_of(PrivateStack& memory) const noexcept;

  /// The coroutine, of any thread, in whose closed range `address` lies; null when it lies
  /// elsewhere. For signal handlers of a dying process: it looks at other threads' tables as they
  /// are.
  static ControlBlock* owner_of_closed(const void* address) noexcept;

  void trim_now() noexcept { pool_.trim_now(); }

 private:
  ControlBlock* find_closed(const void* address) const noexcept;

  StackPool pool_;  // of its own, so that all stacks in use are ranges
  CheckedStacks* next_ = nullptr;
};

}  // namespace colibri
