#include "colibri/core/inspect/run_times.h"

#include <algorithm>
#include <bit>

#include "colibri/core/clock.h"
#include "colibri/core/control_block.h"

namespace colibri {

RunTimes::RunTimes(std::size_t coroutines)
    : table_(2 * std::bit_ceil(coroutines)), slice_began_(monotonic_now()) {
  thread_state.add_watch(*this);
}

RunTimes::~RunTimes() {
  thread_state.remove_watch(*this);
}

void RunTimes::leaves(const ControlBlock& coroutine) noexcept {
  note_slice(coroutine);
}

void RunTimes::ends(const ControlBlock& coroutine) noexcept {
  note_slice(coroutine);
}

void RunTimes::leaves_loop() noexcept {
  slice_began_ = monotonic_now();
}

void RunTimes::note_slice(const ControlBlock& coroutine) noexcept {
  const std::int64_t now = monotonic_now();
  RunTime& place = place_of(coroutine.id);
  place.origin = coroutine.origin;
  ++place.slices;
  place.time += std::chrono::nanoseconds(now - slice_began_);
  slice_began_ = now;
}

RunTime& RunTimes::place_of(std::uint64_t id) noexcept {
  // Ids count up: the multiplier of Fibonacci hashing (Knuth, volume 3, 6.4) spreads them.
  const std::size_t mask = table_.size() - 1;
  std::size_t index = static_cast<std::size_t>(id * 0x9e3779b97f4a7c15) & mask;
  while (table_[index].id != 0 && table_[index].id != id) index = (index + 1) & mask;
  RunTime& place = table_[index];
  if (place.id == id) return place;
  if (used_ == table_.size() / 2) return others_;
  ++used_;
  place.id = id;
  return place;
}

std::vector<RunTime> RunTimes::longest_first() const {
  std::vector<RunTime> all;
  std::copy_if(table_.begin(), table_.end(), std::back_inserter(all),
               [](const RunTime& each) { return each.id != 0; });
  std::sort(all.begin(), all.end(),
            [](const RunTime& left, const RunTime& right) { return left.time > right.time; });
  if (others_.slices != 0) {
    all.push_back(others_);
    all.back().origin = 0;
  }
  return all;
}

}  // namespace colibri
