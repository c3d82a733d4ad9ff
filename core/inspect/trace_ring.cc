#include "colibri/core/inspect/trace_ring.h"

#include <algorithm>

#include "colibri/core/context.h"

namespace colibri {

TraceEvent TraceRing::event_of(std::uint64_t what, std::uint64_t whose,
                               std::uint64_t now) noexcept {
  constexpr std::uint64_t kTime = ~std::uint64_t{0} >> kTimeShift;
  TraceEvent event;
  // The last moment that ends in these bits.
  event.ticks = now - ((now - (what >> kTimeShift)) & kTime);
  event.id = whose & ((std::uint64_t{1} << kIdBits) - 1);
  event.origin = static_cast<std::uint16_t>(whose >> kIdBits);
  event.kind = static_cast<TraceKind>(what & 15);
  event.state = static_cast<CoroutineState>(what >> kStateShift & 15);
  event.wait_kind = static_cast<WaitKind>(what >> kWaitShift & 15);
  return event;
}

std::vector<TraceEvent> TraceRing::events() const {
  struct Copy {
    std::uint64_t what;
    std::uint64_t whose;
  };
  const std::uint64_t end = count_.load(std::memory_order_acquire);
  const std::uint64_t begin = end - std::min<std::uint64_t>(end, slots_.size());
  std::vector<Copy> copies;
  copies.reserve(end - begin);
  for (std::uint64_t i = begin; i != end; ++i) {
    const Slot& slot = slots_[i & mask_];
    copies.push_back(
        {slot.what.load(std::memory_order_acquire), slot.whose.load(std::memory_order_acquire)});
  }
  // The slot at the count may be half written; those before it that were reached meanwhile, too.
  const std::uint64_t reached = count_.load(std::memory_order_acquire) + 1;
  const std::uint64_t overwritten = reached - std::min<std::uint64_t>(reached, slots_.size());
  const std::uint64_t gone = overwritten > begin ? std::min(overwritten, end) - begin : 0;
  const std::uint64_t now = processor_ticks();
  std::vector<TraceEvent> found;
  found.reserve(copies.size() - gone);
  for (std::size_t i = gone; i < copies.size(); ++i) {
    if (copies[i].what != kDescriptor) {
      found.push_back(event_of(copies[i].what, copies[i].whose, now));
    } else if (!found.empty()) {
      found.back().descriptor = static_cast<std::int32_t>(copies[i].whose);
    }
  }
  return found;
}

}  // namespace colibri
