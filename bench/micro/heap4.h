// A 4-ary heap of timers that know their place in it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace colibri::bench {

// What is embedded in whatever waits: its place in the heap, by which it is found when cancelled.
struct HeapTimer {
  std::uint32_t place = 0;
};

// Four children to a node halve the depth of a binary heap and lie beside each other. Each entry
// carries its deadline, so that comparing follows no pointer; only moving an entry writes through
// one. Invariant: entries_[timer->place].timer == timer for every armed timer.
class Heap4 {
 public:
  void reserve(std::size_t timers) { entries_.reserve(timers); }

  // REQUIRES: `timer` is in no heap, and outlives its stay in this one.
  void arm(HeapTimer& timer, std::chrono::nanoseconds deadline) {
    entries_.push_back({deadline, &timer});
    sift_up(entries_.size() - 1, {deadline, &timer});
  }

  // REQUIRES: `timer` is in this heap.
  void cancel(HeapTimer& timer) {
    const std::size_t hole = timer.place;
    const Entry last = entries_.back();
    entries_.pop_back();
    if (hole == entries_.size()) return;  // It was the last one itself.
    const bool rises = hole > 0 && last.deadline < entries_[parent_of(hole)].deadline;
    rises ? sift_up(hole, last) : sift_down(hole, last);
  }

 private:
  struct Entry {
    std::chrono::nanoseconds deadline;
    HeapTimer* timer;
  };

  static constexpr std::size_t kChildren = 4;
  static std::size_t parent_of(std::size_t place) { return (place - 1) / kChildren; }
  static std::size_t first_child_of(std::size_t place) { return place * kChildren + 1; }

  void put(std::size_t place, const Entry& entry) {
    entries_[place] = entry;
    entry.timer->place = static_cast<std::uint32_t>(place);
  }

  // Both move a hole to where `entry` belongs, and fill it once.
  void sift_up(std::size_t hole, Entry entry) {
    for (; hole > 0 && entry.deadline < entries_[parent_of(hole)].deadline;
         hole = parent_of(hole)) {
      put(hole, entries_[parent_of(hole)]);
    }
    put(hole, entry);
  }

  void sift_down(std::size_t hole, Entry entry) {
    for (std::size_t child; (child = first_child_of(hole)) < entries_.size(); hole = child) {
      child = earliest_of(child, std::min(child + kChildren, entries_.size()));
      if (entry.deadline <= entries_[child].deadline) break;
      put(hole, entries_[child]);
    }
    put(hole, entry);
  }

  std::size_t earliest_of(std::size_t first, std::size_t end) const {
    std::size_t earliest = first;
    for (std::size_t i = first + 1; i < end; ++i) {
      if (entries_[i].deadline < entries_[earliest].deadline) earliest = i;
    }
    return earliest;
  }

  std::vector<Entry> entries_;
};

}  // namespace colibri::bench
