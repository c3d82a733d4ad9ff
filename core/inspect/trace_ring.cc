#include "colibri/core/inspect/trace_ring.h"

#include <algorithm>
#include <array>
#include <bit>

namespace colibri {
namespace {

using Words = std::array<std::uint64_t, sizeof(TraceEvent) / sizeof(std::uint64_t)>;

}  // namespace

void TraceRing::add(const TraceEvent& event) noexcept {
  const auto words = std::bit_cast<Words>(event);
  const std::uint64_t count = count_.load(std::memory_order_relaxed);
  Slot& slot = slots_[count & mask_];
  for (std::size_t i = 0; i < kWords; ++i) {
    // Release: a reader that sees this sees the count of the event before, and so that the slot has
    // been reached.
    slot.words[i].store(words[i], std::memory_order_release);
  }
  count_.store(count + 1, std::memory_order_release);
}

std::vector<TraceEvent> TraceRing::events() const {
  const std::uint64_t end = count_.load(std::memory_order_acquire);
  const std::uint64_t begin = end - std::min<std::uint64_t>(end, slots_.size());
  std::vector<TraceEvent> found;
  found.reserve(end - begin);
  for (std::uint64_t i = begin; i != end; ++i) {
    Words words;
    for (std::size_t word = 0; word < kWords; ++word) {
      words[word] = slots_[i & mask_].words[word].load(std::memory_order_acquire);
    }
    found.push_back(std::bit_cast<TraceEvent>(words));
  }
  // The slot at the count may be half written; those before it that were reached meanwhile, too.
  const std::uint64_t reached = count_.load(std::memory_order_acquire) + 1;
  const std::uint64_t overwritten = reached - std::min<std::uint64_t>(reached, slots_.size());
  if (overwritten > begin) {
    const auto gone = static_cast<std::ptrdiff_t>(std::min(overwritten, end) - begin);
    found.erase(found.begin(), found.begin() + gone);
  }
  return found;
}

}  // namespace colibri
