#include "colibri/core/inspect/run_times.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <new>
#include <utility>

#include "colibri/core/clock.h"
#include "colibri/core/control_block.h"
#include "colibri/core/scheduler_list.h"

namespace colibri {

namespace {

/// Those that measure the calling thread's scheduler.
constinit thread_local RunTimes* measuring = nullptr;

/// The one of note_run_times among them; owned.
constinit thread_local RunTimes* noted = nullptr;

}  // namespace

RunTimes::RunTimes(KeepEnded keep_ended, std::size_t coroutines)
    : table_(2 * std::bit_ceil(coroutines)),
      slice_began_(monotonic_now()),
      keep_ended_(keep_ended),
      next_(measuring) {
  measuring = this;
  thread_state.add_watch(*this);
}

RunTimes::~RunTimes() {
  leave();
  thread_state.remove_watch(*this);
}

void RunTimes::retire() noexcept {
  leave();
  if (this == noted) delete std::exchange(noted, nullptr);
}

void RunTimes::leave() noexcept {
  RunTimes** link = &measuring;
  while (*link != nullptr && *link != this) link = &(*link)->next_;
  if (*link != nullptr) *link = next_;
}

std::optional<RunTime> RunTimes::of(std::uint64_t id) noexcept {
  const RunTimes* longest = measuring;
  if (longest == nullptr) return std::nullopt;
  while (longest->next_ != nullptr) longest = longest->next_;
  const RunTime& place = longest->table_[longest->find(id)];
  if (place.id == id) return place;
  if (longest->used_ == longest->table_.size() / 2) return std::nullopt;
  return RunTime{.id = id};  // it has not run yet
}

void RunTimes::leaves(const ControlBlock& coroutine) noexcept {
  note_slice(coroutine);
}

void RunTimes::ends(const ControlBlock& coroutine) noexcept {
  note_slice(coroutine);
  if (keep_ended_ == KeepEnded::kNo) erase(coroutine.id);
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

std::size_t RunTimes::home_of(std::uint64_t id) const noexcept {
  // Ids count up: the multiplier of Fibonacci hashing (Knuth, volume 3, 6.4) spreads them.
  return static_cast<std::size_t>(id * 0x9e3779b97f4a7c15) & (table_.size() - 1);
}

/// Where it is, or else the empty place where it would be.
std::size_t RunTimes::find(std::uint64_t id) const noexcept {
  std::size_t index = home_of(id);
  while (table_[index].id != 0 && table_[index].id != id) index = (index + 1) % table_.size();
  return index;
}

RunTime& RunTimes::place_of(std::uint64_t id) noexcept {
  RunTime& place = table_[find(id)];
  if (place.id == id) return place;
  if (used_ == table_.size() / 2) return others_;
  ++used_;
  place.id = id;
  return place;
}

// Those behind it move up, as far as none comes before its home: so no search ends at a gap.
void RunTimes::erase(std::uint64_t id) noexcept {
  std::size_t gap = find(id);
  if (table_[gap].id != id) return;
  const std::size_t mask = table_.size() - 1;
  for (std::size_t next = (gap + 1) & mask; table_[next].id != 0; next = (next + 1) & mask) {
    const std::size_t from_home = (next - home_of(table_[next].id)) & mask;
    if (from_home < ((next - gap) & mask)) continue;
    table_[gap] = table_[next];
    gap = next;
  }
  table_[gap] = {};
  --used_;
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

// All schedulers ----------------------------------------------------------------------------------

namespace {

constinit std::atomic<bool> wanted{false};

/// On a scheduler's thread, or at its beginning: makes it do what is wanted now.
void follow_wish() noexcept {
  const bool measure = wanted.load(std::memory_order_acquire);
  if (measure == (noted != nullptr)) return;
  if (!measure) {
    delete std::exchange(noted, nullptr);
    return;
  }
  try {
    noted = new RunTimes(KeepEnded::kNo);
  } catch (const std::bad_alloc&) {
  }
}

constinit SchedulerObserver observer{.begun = &follow_wish};

[[maybe_unused]] const bool asked_for = [] {
  const char* wish = std::getenv("COLIBRI_RUN_TIMES");
  const bool on = wish != nullptr && *wish != '\0' && *wish != '0';
  if (on) note_run_times(true);
  return on;
}();

}  // namespace

void note_run_times(bool on) noexcept {
  wanted.store(on, std::memory_order_release);
  observe_schedulers(observer);
  call_on_each_scheduler(&follow_wish);
}

}  // namespace colibri
