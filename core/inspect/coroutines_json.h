// Coroutines of all schedulers, for programs that show them: equal stacks grouped, and who waits
// for whom.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace colibri {

struct CoroutinesJsonOptions {
  /// Of each group, so many coroutines are described.
  std::size_t described = 100;
  /// How many chains of coroutines that wait for each other are followed, besides cycles.
  std::size_t chains = 16;
  /// For a scheduler that does not come to it; then it is left out, and named in "silent".
  std::chrono::nanoseconds patience = std::chrono::seconds(1);
};

/// A text of JSON: {"groups": [{"state", "coroutines", "stack": [text], "described": [{"id",
/// "name", "site", "parent", "state", "wait", "since", "ran", "slices", "stack_bytes",
/// "scheduler"}]}], "chains": [{"is_cycle", "cycle_begin", "links": [{"id", "name", "wait"}]}],
/// "silent": number}. The largest group comes first; "since" and "ran" are in seconds, or null, as
/// is "slices"; "silent" says how many schedulers gave no answer in time. In a coroutine: others
/// run meanwhile, and no scheduler is stopped. Throws std::bad_alloc, Canceled, and
/// std::system_error (timed_out) for a TimeLimit.
std::string coroutines_json(const CoroutinesJsonOptions& options = {});

}  // namespace colibri
