// All coroutines of a scheduler on paper: who is there, what each waits for, and where.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "colibri/core/inspect/coroutine_info.h"
#include "colibri/core/inspect/inspection.h"

namespace colibri {

struct DumpOptions {
  /// Coroutines that are looked at before others run, where the caller is a coroutine.
  std::size_t slice = 64;
  /// Of each group, so many coroutines are described, those that were started last first.
  std::size_t described = 3;
};

/// Coroutines that stand at the same place in the same state.
struct StackGroup {
  CoroutineState state = CoroutineState::kCreated;
  Backtrace stack;  // innermost first; empty for those that never ran
  std::size_t coroutines = 0;
  std::vector<CoroutineInfo> described;  // the first of them, without their stacks
};

/// Looks at every coroutine of the calling thread's scheduler, with its stack; the largest group
/// first. In a coroutine, others run between slices: what comes of it is then no state that the
/// program as a whole was ever in. The caller is one of them. Ends the process with a sentence on a
/// thread without a scheduler. Throws std::bad_alloc.
std::vector<StackGroup> collect_stacks(const DumpOptions& options = {});

/// A line about the group, one about each that is described, and the stack.
std::string to_string(const StackGroup& group);

/// The same in words, to `stream`. Where `stream` parks, so does this.
void dump(std::ostream& stream, const DumpOptions& options = {});

}  // namespace colibri
