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
};

}  // namespace colibri
