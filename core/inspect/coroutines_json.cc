#include "colibri/core/inspect/coroutines_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "colibri/core/inspect/census.h"
#include "colibri/core/inspect/why.h"

namespace colibri {
namespace {

using Json = nlohmann::ordered_json;

/// The chains that begin at `some`, of two links or more, and all cycles. On their scheduler.
std::vector<WaitChain> collect_chains(const std::vector<std::uint64_t>& some) {
  std::vector<WaitChain> chains = find_cycles();
  for (const std::uint64_t id : some) {
    WaitChain chain = wait_chain(id);
    if (chain.links.size() > 1 && !chain.is_cycle) chains.push_back(std::move(chain));
  }
  return chains;
}

/// One of each group of those that are parked, of the largest groups.
std::vector<std::uint64_t> some_parked(const std::vector<StackGroup>& groups, std::size_t most) {
  std::vector<std::uint64_t> ids;
  for (const StackGroup& group : groups) {
    if (ids.size() == most) break;
    const bool parked = group.state == CoroutineState::kParked && !group.described.empty();
    if (parked) ids.push_back(group.described.front().id);
  }
  return ids;
}

std::string text_of(const StackFrame& frame) {
  return frame.function.empty() ? fmt::format("{:#x}", frame.instruction_pointer)
                                : fmt::format("{}+{:#x}", frame.function, frame.offset);
}

Json json_of(const CoroutineInfo& info) {
  return {{"id", info.id},
          {"name", info.name},
          {"site", fmt::format("{}:{}", info.site.file, info.site.line)},
          {"parent", info.parent},
          {"state", to_string(info.state)},
          {"wait", info.wait},
          {"since", info.since ? Json(std::chrono::duration<double>(*info.since).count()) : Json()},
          {"ran", info.ran ? Json(std::chrono::duration<double>(info.ran->time).count()) : Json()},
          {"slices", info.ran ? Json(info.ran->slices) : Json()},
          {"stack_bytes", info.stack_bytes_used},
          {"scheduler", info.scheduler}};
}

Json json_of(const StackGroup& group) {
  Json stack = Json::array();
  for (const StackFrame& frame : group.stack) stack.push_back(text_of(frame));
  Json described = Json::array();
  for (const CoroutineInfo& info : group.described) described.push_back(json_of(info));
  return {{"state", to_string(group.state)},
          {"coroutines", group.coroutines},
          {"stack", std::move(stack)},
          {"described", std::move(described)}};
}

Json json_of(const WaitChain& chain) {
  Json links = Json::array();
  for (const WaitLinkInfo& link : chain.links) {
    links.push_back({{"id", link.id}, {"name", link.name}, {"wait", link.wait}});
  }
  return {{"is_cycle", chain.is_cycle},
          {"cycle_begin", chain.cycle_begin},
          {"links", std::move(links)}};
}

/// Groups of several schedulers: those with equal stacks become one.
class Groups {
 public:
  void add(StackGroup group) {
    std::vector<std::uintptr_t> key{static_cast<std::uintptr_t>(group.state)};
    for (const StackFrame& frame : group.stack) key.push_back(frame.instruction_pointer);
    const auto [place, is_new] = groups_.try_emplace(std::move(key));
    StackGroup& all = place->second;
    if (is_new) {
      all = std::move(group);
      return;
    }
    all.coroutines += group.coroutines;
    std::move(group.described.begin(), group.described.end(), std::back_inserter(all.described));
  }

  /// The largest first.
  Json json() const {
    std::vector<const StackGroup*> sorted;
    for (const auto& [key, group] : groups_) sorted.push_back(&group);
    std::sort(sorted.begin(), sorted.end(), [](const StackGroup* a, const StackGroup* b) {
      return a->coroutines > b->coroutines;
    });
    Json json = Json::array();
    for (const StackGroup* group : sorted) json.push_back(json_of(*group));
    return json;
  }

 private:
  std::map<std::vector<std::uintptr_t>, StackGroup> groups_;
};

}  // namespace

std::string coroutines_json(const CoroutinesJsonOptions& options) {
  const Deadline deadline = Deadline::after(options.patience);
  // In the heap: it outlives switches.
  const auto groups = std::make_unique<Groups>();
  std::vector<Asked<Moment<std::vector<WaitChain>>>> questions;
  std::size_t silent = 0;
  for (auto& answer : ask_all<Grouping>(deadline, options.described)) {
    if (answer.end == InquiryEnd::kNoAnswer) ++silent;
    if (!answer.is_there()) continue;
    std::vector<StackGroup> found = answer.inquiry->groups.largest_first();
    auto look = [some = some_parked(found, options.chains)] { return collect_chains(some); };
    questions.push_back({answer.scheduler, std::make_shared<Moment<std::vector<WaitChain>>>(look)});
    for (StackGroup& group : found) groups->add(std::move(group));
  }
  ask(questions, deadline);
  Json chains = Json::array();
  for (const auto& answer : questions) {
    if (!answer.is_there()) continue;
    for (const WaitChain& chain : answer.inquiry->seen) chains.push_back(json_of(chain));
  }
  const Json all{{"groups", groups->json()}, {"chains", std::move(chains)}, {"silent", silent}};
  return all.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace colibri
