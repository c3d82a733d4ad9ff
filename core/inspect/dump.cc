#include "colibri/core/inspect/dump.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <ostream>
#include <utility>

#include "colibri/core/inspect/stack_catalog.h"

namespace colibri {
namespace {

/// Groups what it is shown.
class Collector {
 public:
  explicit Collector(const DumpOptions& options) : options_(options) {}

  void add(const ControlBlock& coroutine) {
    const CoroutineState state = leaf_of(coroutine).state;
    // The collector itself has no stack but this.
    const bool has_stack = state != CoroutineState::kRunning && state != CoroutineState::kDone;
    const std::size_t number = has_stack ? stacks_.number_of(coroutine) : kNoStack;
    StackGroup& group = groups_[{state, number}];
    group.state = state;
    if (group.coroutines++ < options_.described) group.described.push_back(inspect(coroutine));
  }

  std::vector<StackGroup> largest_first() {
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

 private:
  static constexpr std::size_t kNoStack = static_cast<std::size_t>(-1);

  const DumpOptions options_;
  StackCatalog stacks_;
  std::map<std::pair<CoroutineState, std::size_t>, StackGroup> groups_;
};

}  // namespace

std::vector<StackGroup> collect_stacks(const DumpOptions& options) {
  Collector collector(options);
  Inspection inspection;
  while (inspection.step(options.slice, [&](const ControlBlock& each) { collector.add(each); })) {
    Inspection::give_way();
  }
  return collector.largest_first();
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

void dump(std::ostream& stream, const DumpOptions& options) {
  const std::vector<StackGroup> groups = collect_stacks(options);
  std::size_t coroutines = 0;
  for (const StackGroup& each : groups) coroutines += each.coroutines;
  stream << fmt::format("{} coroutines at {} places\n", coroutines, groups.size());
  for (const StackGroup& each : groups) stream << '\n' << to_string(each);
}

}  // namespace colibri
