#include "colibri/core/inspect/stack_groups.h"

#include <fmt/format.h>

#include <algorithm>

namespace colibri {

void StackGroups::add(const ControlBlock& coroutine) {
  ++coroutines_;
  const CoroutineState state = leaf_of(coroutine).state;
  // Who runs looks at the others just now, and its stack is of no interest.
  const bool has_stack = state != CoroutineState::kRunning && state != CoroutineState::kDone;
  const std::size_t number = has_stack ? stacks_.number_of(coroutine) : kNoStack;
  StackGroup& group = groups_[{state, number}];
  group.state = state;
  if (group.coroutines++ < described_) group.described.push_back(inspect(coroutine));
}

std::vector<StackGroup> StackGroups::largest_first() {
  std::vector<StackGroup> all;
  for (auto& [key, group] : groups_) {
    if (key.second != kNoStack) group.stack = stacks_.backtrace(key.second);
    all.push_back(std::move(group));
  }
  std::stable_sort(all.begin(), all.end(), [](const StackGroup& left, const StackGroup& right) {
    return left.coroutines > right.coroutines;
  });
  return all;
}

std::string to_string(const StackGroup& group) {
  std::string text =
      fmt::format("{} {} {}\n", group.coroutines,
                  group.coroutines == 1 ? "coroutine" : "coroutines", to_string(group.state));
  for (const CoroutineInfo& each : group.described) text += "  " + to_string(each) + "\n";
  const std::size_t others = group.coroutines - group.described.size();
  if (others != 0) text += fmt::format("  and {} more\n", others);
  return text + to_string(group.stack);
}

}  // namespace colibri
