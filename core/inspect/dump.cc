#include "colibri/core/inspect/dump.h"

#include <fmt/format.h>

#include <ostream>

namespace colibri {
std::vector<StackGroup> collect_stacks(const DumpOptions& options) {
  StackGroups groups(options.described);
  Inspection inspection;
  while (inspection.step(options.slice, [&](const ControlBlock& each) { groups.add(each); })) {
    Inspection::give_way();
  }
  return groups.largest_first();
}

void dump(std::ostream& stream, const DumpOptions& options) {
  const std::vector<StackGroup> groups = collect_stacks(options);
  std::size_t coroutines = 0;
  for (const StackGroup& each : groups) coroutines += each.coroutines;
  stream << fmt::format("{} coroutines at {} places\n", coroutines, groups.size());
  for (const StackGroup& each : groups) stream << '\n' << to_string(each);
}

}  // namespace colibri
