// Coroutines grouped by where they stand.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "colibri/core/inspect/coroutine_info.h"
#include "colibri/core/inspect/stack_catalog.h"

namespace colibri {

/// Coroutines that stand at the same place in the same state.
struct StackGroup {
  CoroutineState state = CoroutineState::kCreated;
  Backtrace stack;  // innermost first; empty for those that never ran
  std::size_t coroutines = 0;
  std::vector<CoroutineInfo> described;  // the first of them, without their stacks
};

/// A line about the group, one about each that is described, and the stack.
std::string to_string(const StackGroup& group);

/// Groups the coroutines of one scheduler as it is shown them.
class StackGroups {
 public:
  /// Of each group, the first `described` coroutines are described.
  explicit StackGroups(std::size_t described = 3) : described_(described) {}

  /// On the coroutine's thread. Throws std::bad_alloc.
  void add(const ControlBlock& coroutine);

  /// So many were added.
  std::size_t coroutines() const noexcept { return coroutines_; }

  /// The groups, moved out; the largest first. Finds the names of functions, which takes a while;
  /// any thread. Throws std::bad_alloc.
  std::vector<StackGroup> largest_first();

 private:
  static constexpr std::size_t kNoStack = static_cast<std::size_t>(-1);

  const std::size_t described_;
  std::size_t coroutines_ = 0;
  StackCatalog stacks_;
  std::map<std::pair<CoroutineState, std::size_t>, StackGroup> groups_;
};

}  // namespace colibri
