#include "colibri/core/inspect/coroutines_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "colibri/core/future.h"
#include "colibri/core/inspect/dump.h"
#include "colibri/core/inspect/why.h"
#include "colibri/core/scheduler_handle.h"
#include "colibri/core/scheduler_list.h"

namespace colibri {
namespace {

using Json = nlohmann::ordered_json;

/// What one scheduler says of its coroutines.
struct Account {
  std::vector<StackGroup> groups;
  std::vector<WaitChain> chains;
};

// On each scheduler ------------------------------------------------------------------------------

/// The chains that begin at those who are described, of two links or more.
std::vector<WaitChain> some_chains(const std::vector<StackGroup>& groups, std::size_t most) {
  std::vector<WaitChain> chains;
  for (const StackGroup& group : groups) {
    if (group.state != CoroutineState::kParked || group.described.empty()) continue;
    if (chains.size() == most) break;
    WaitChain chain = wait_chain(group.described.front().id);
    if (chain.links.size() > 1 && !chain.is_cycle) chains.push_back(std::move(chain));
  }
  return chains;
}

Account take_account(const CoroutinesJsonOptions& options) {
  Account account;
  account.groups = collect_stacks({.described = options.described});
  account.chains = find_cycles();
  std::vector<WaitChain> others = some_chains(account.groups, options.chains);
  std::move(others.begin(), others.end(), std::back_inserter(account.chains));
  return account;
}

/// Asks every scheduler of the process, this one included: each in a coroutine of its own.
std::vector<Future<Account>> ask_all(const CoroutinesJsonOptions& options) {
  std::vector<Future<Account>> answers;
  for (const ListedScheduler& scheduler : all_schedulers()) {
    Promise<Account> promise;
    answers.push_back(promise.future());
    auto answer = [promise = std::move(promise), options]() mutable {
      keep(promise, [&] { return take_account(options); });
    };
    scheduler.mailbox->post(new PostedFunction<decltype(answer)>(
        SpawnOptions{.name = "coroutines json"}, std::move(answer)));
  }
  return answers;
}

// All together -----------------------------------------------------------------------------------

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
  Groups groups;
  Json chains = Json::array();
  std::size_t silent = 0;
  for (Future<Account>& answer : ask_all(options)) {
    if (!answer.wait_until(deadline)) {
      ++silent;
      continue;
    }
    Account account;
    try {
      account = answer.take_ready();
    } catch (const std::future_error&) {
      continue;  // that scheduler has ended
    }
    for (StackGroup& group : account.groups) groups.add(std::move(group));
    for (const WaitChain& chain : account.chains) chains.push_back(json_of(chain));
  }
  const Json all{{"groups", groups.json()}, {"chains", std::move(chains)}, {"silent", silent}};
  return all.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace colibri
