#include "colibri/core/inspect/why.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "colibri/core/inspect/inspection.h"
#include "colibri/core/inspect/words.h"

namespace colibri {
namespace {

constexpr std::size_t kSlice = 256;

/// The coroutine that holds the single thing that is waited for; 0 if that is not known, or there
/// are several.
std::uint64_t holder_of(const std::vector<Awaited>& awaited) noexcept {
  if (awaited.size() != 1 || !awaited.front().holder.has_value()) return 0;
  return awaited.front().holder->id;
}

bool is_parked(const ControlBlock& coroutine) noexcept {
  return leaf_of(coroutine).state == CoroutineState::kParked;
}

WaitLinkInfo link_of(const ControlBlock& coroutine) {
  WaitLinkInfo link{.id = coroutine.id, .name = coroutine.name()};
  if (is_suspended_by_hand(coroutine)) link.wait = "resume by hand";
  if (!is_parked(coroutine)) return link;
  link.awaited = awaited_by(leaf_of(coroutine));
  link.wait = describe_wait(leaf_of(coroutine));
  return link;
}

/// The index of the link that is `id`'s, or how many there are.
std::size_t place_of(const WaitChain& chain, std::uint64_t id) noexcept {
  const auto found = std::find_if(chain.links.begin(), chain.links.end(),
                                  [id](const WaitLinkInfo& link) { return link.id == id; });
  return static_cast<std::size_t>(found - chain.links.begin());
}

/// Each coroutine that waits for another one without a deadline, and for whom.
using Edges = std::unordered_map<std::uint64_t, std::uint64_t>;

Edges collect_edges() {
  Edges edges;
  Inspection inspection;
  const auto add = [&](const ControlBlock& each) {
    const ControlBlock& leaf = leaf_of(each);
    if (leaf.state != CoroutineState::kParked || leaf.timer_armed) return;
    // Most wait for descriptors, whose words cost system calls.
    if (leaf.wait_kind != WaitKind::kJoin && !waits_in_queue(leaf)) return;
    const std::vector<Awaited> awaited = awaited_by(leaf);
    if (const std::uint64_t id = holder_of(awaited)) edges[each.id] = id;
  };
  while (inspection.step(kSlice, add)) Inspection::give_way();
  return edges;
}

/// The smallest id of the cycle that one gets into from `id`; 0 if there is none. What is `seen` is
/// not gone over twice.
std::uint64_t smallest_in_cycle(std::uint64_t id, const Edges& edges,
                                std::unordered_set<std::uint64_t>& seen) {
  std::unordered_set<std::uint64_t> path;
  auto edge = edges.find(id);
  for (; edge != edges.end() && seen.insert(edge->first).second; edge = edges.find(edge->second)) {
    path.insert(edge->first);
  }
  if (edge == edges.end() || path.count(edge->first) == 0) return 0;
  std::uint64_t smallest = edge->first;
  for (auto each = edges.find(edge->second); each != edge; each = edges.find(each->second)) {
    smallest = std::min(smallest, each->first);
  }
  return smallest;
}

}  // namespace

WaitChain wait_chain(std::uint64_t id) {
  WaitChain chain;
  const ControlBlock* coroutine = Inspection::find(id);
  while (coroutine != nullptr) {
    const std::size_t place = place_of(chain, coroutine->id);
    if (place < chain.links.size()) {
      chain.is_cycle = true;
      chain.cycle_begin = place;
      return chain;
    }
    chain.links.push_back(link_of(*coroutine));
    coroutine = Inspection::find(holder_of(chain.links.back().awaited));
  }
  return chain;
}

std::string to_string(const WaitChain& chain) {
  if (chain.links.empty()) return "there is no such coroutine on this scheduler\n";
  std::string text;
  for (const WaitLinkInfo& link : chain.links) {
    text += coroutine_label(link.id, link.name);
    text += link.wait.empty() ? " does not wait" : " waits for " + link.wait;
    text += '\n';
  }
  if (!chain.is_cycle) return text;
  const WaitLinkInfo& first = chain.links[chain.cycle_begin];
  return text + "which is a cycle, back to " + coroutine_label(first.id, first.name) + "\n";
}

std::string why(std::uint64_t id) {
  return to_string(wait_chain(id));
}

std::vector<WaitChain> find_cycles() {
  const Edges edges = collect_edges();
  std::vector<WaitChain> cycles;
  std::unordered_set<std::uint64_t> seen;
  for (const auto& [from, to] : edges) {
    const std::uint64_t begin = smallest_in_cycle(from, edges, seen);
    if (begin == 0) continue;
    // The edges were not all seen at one moment. A cycle is there for good, and shows again.
    WaitChain chain = wait_chain(begin);
    if (chain.is_cycle && chain.cycle_begin == 0) cycles.push_back(std::move(chain));
  }
  std::sort(cycles.begin(), cycles.end(), [](const WaitChain& left, const WaitChain& right) {
    return left.links.front().id < right.links.front().id;
  });
  return cycles;
}

}  // namespace colibri
