// How a coroutine is to be made.
#pragma once

#include <cstddef>

#include "colibri/core/shared_stack.h"
#include "colibri/core/spawn_site.h"
#include "colibri/core/stack.h"

namespace colibri {

/// How a coroutine is to be made.
struct SpawnOptions {
  /// Size of a stack of its own; see stack.h for the bounds. 0: the scheduler's default, which is a
  /// private stack of kDefaultStackBytes unless RunOptions say otherwise.
  std::size_t stack_bytes = 0;
  const char* name = "";  // must live as long as the program
  SpawnSite site = SpawnSite::here();
  /// Runs before its spawner goes on, which is the next in turn then: a tree of coroutines grows
  /// branch by branch, and has few alive at once, instead of level by level. Now and then all
  /// others have their turn first; and outside coroutines it waits for its turn all the same.
  bool at_once = false;
  /// Not null: it runs on a shared stack of this group of the same thread. The law of
  /// shared_stack.h then holds for it.
  const SharedStackGroup* shared_stacks = nullptr;
};

}  // namespace colibri
