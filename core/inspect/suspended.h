// Coroutines that stand still because nobody resumes them: colibri::Coroutine and Generator.
//
// No list has them, so that making one costs nothing for it. They are found where they lie: at the
// tops of the thread's private stacks. Those on shared stacks are not found, nor those whose stack
// was a shared one before.
#pragma once

#include <cstddef>

#include "colibri/core/control_block.h"
#include "colibri/core/stack.h"

namespace colibri {

/// Finds each of the calling thread's once that is there from begin to end; of others, some.
/// Between two calls anything may happen to them.
class SuspendedByHand {
 public:
  /// Null: there is none among the next `looks` stacks, of which as many are taken off, or there
  /// are no more (`looks` is not 0 then).
  const ControlBlock* next(std::size_t& looks) noexcept;

 private:
  StackPool::Position position_;
};

}  // namespace colibri
