// On which stacks a scheduler's coroutines run unless they ask for something else.
#pragma once

#include <cstddef>
#include <string_view>

#include "colibri/core/stack.h"

namespace colibri {

/// Private stacks of `bytes`, or `shared_count` shared ones.
struct StackChoice {
  unsigned shared_count = 0;  // 0: private stacks
  std::size_t bytes = kDefaultStackBytes;

  bool is_shared() const noexcept { return shared_count != 0; }

  /// Reads "private", "private:64k", "shared", "shared:8x256k" (sizes with k or m, or in bytes).
  /// Throws std::invalid_argument, quoting the text, for anything else; whether a stack may have
  /// that size is for its maker to say.
  static StackChoice parse(std::string_view text);
  /// What COLIBRI_STACK says; the default when it is unset or empty. Errors: as parse.
  static StackChoice from_environment();
};

}  // namespace colibri
