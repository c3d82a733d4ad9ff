#include "colibri/core/testing/waiting.h"

#include <algorithm>
#include <vector>

#include "colibri/core/backtrace.h"
#include "colibri/core/coroutine_report.h"
#include "colibri/core/inspect/awaited.h"
#include "colibri/core/scheduler.h"

namespace colibri::testing {
namespace {

constexpr std::size_t kMostInFull = 16;

std::vector<const ControlBlock*> all_oldest_first() {
  std::vector<const ControlBlock*> all;
  for (const ControlBlock* each = &thread_state.scheduler->newest(); each != nullptr;
       each = each->next_alive) {
    all.push_back(each);
  }
  std::reverse(all.begin(), all.end());
  return all;
}

}  // namespace

std::string describe_waiting() noexcept {
  try {
    std::string text;
    const std::vector<const ControlBlock*> all = all_oldest_first();
    const std::size_t in_full = std::min(all.size(), kMostInFull);
    for (std::size_t i = 0; i < in_full; ++i) {
      const ControlBlock& leaf = leaf_of(*all[i]);
      text += describe(*all[i]) + " waits: " + describe_wait(leaf) + "\n";
      text += to_string(capture_backtrace(leaf));
    }
    if (in_full < all.size()) text += "and " + std::to_string(all.size() - in_full) + " more\n";
    return text;
  } catch (...) {
    return {};
  }
}

}  // namespace colibri::testing
