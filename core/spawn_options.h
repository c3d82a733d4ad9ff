// How a coroutine is to be made.
#pragma once

#include <cstddef>

#include "colibri/core/control_block.h"
#include "colibri/core/stack.h"

namespace colibri {

/// How a coroutine is to be made.
struct SpawnOptions {
  std::size_t stack_bytes = kDefaultStackBytes;  // see stack.h for the bounds
  const char* name = "";                         // must live as long as the program
  SpawnSite site = SpawnSite::here();
  /// Runs before its spawner goes on, which is the next in turn then: a tree of coroutines grows
  /// branch by branch, and has few alive at once, instead of level by level. Now and then all
  /// others have their turn first; and outside coroutines it waits for its turn all the same.
  bool at_once = false;
};

}  // namespace colibri
