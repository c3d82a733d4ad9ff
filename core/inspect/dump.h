// All coroutines of a scheduler on paper: who is there, what each waits for, and where.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <vector>

#include "colibri/core/inspect/inspection.h"
#include "colibri/core/inspect/stack_groups.h"

namespace colibri {

struct DumpOptions {
  /// Coroutines that are looked at before others run, where the caller is a coroutine.
  std::size_t slice = 64;
  /// Of each group, so many coroutines are described, those that were started last first.
  std::size_t described = 3;
};

/// Looks at every coroutine of the calling thread's scheduler, with its stack; the largest group
/// first. In a coroutine, others run between slices: what comes of it is then no state that the
/// program as a whole was ever in. The caller is one of them. Ends the process with a sentence on a
/// thread without a scheduler. Throws std::bad_alloc.
std::vector<StackGroup> collect_stacks(const DumpOptions& options = {});

/// The same in words, to `stream`. Where `stream` parks, so does this.
void dump(std::ostream& stream, const DumpOptions& options = {});

}  // namespace colibri
