#include "colibri/core/specific_values.h"

#include <algorithm>
#include <new>
#include <utility>

#include "colibri/core/launch.h"
#include "colibri/core/thread_state.h"

namespace colibri {

constinit SpecificKey specific_keys[kSpecificKeys + 2];

namespace {

using Entry = SpecificValues::Entry;

constexpr std::uint32_t kFirstCapacity = 4;

/// The entry of `key`, or the place where it belongs.
Entry* place_of(SpecificValues& values, std::uint32_t key) noexcept {
  return std::lower_bound(
      values.begin(), values.end(), key,
      [](const Entry& entry, std::uint32_t wanted) { return entry.key < wanted; });
}

bool is_current(const Entry& entry) noexcept {
  return entry.generation == specific_keys[entry.key].live_generation();
}

/// Makes room for one more; false when there is no memory.
bool grow(SpecificValues*& values) noexcept {
  const std::uint32_t capacity = values == nullptr ? kFirstCapacity : 2 * values->capacity;
  SlabMemory& slabs = thread_state.shared_stacks->memory();
  void* memory = slabs.allocate(sizeof(SpecificValues) + capacity * sizeof(Entry));
  if (memory == nullptr) return false;
  auto* larger = ::new (memory) SpecificValues{0, capacity};
  if (values != nullptr) {
    larger->count = values->count;
    std::copy(values->begin(), values->end(), larger->begin());
    slabs.free(values);
  }
  values = larger;
  return true;
}

/// Takes out the first value from `key` on that has a destructor to be called; false if there is
/// none.
bool take_next(SpecificValues& values, std::uint32_t key, Entry& taken) noexcept {
  for (Entry* entry = place_of(values, key); entry != values.end(); ++entry) {
    if (entry->value == nullptr || !is_current(*entry)) continue;
    if (specific_keys[entry->key].destructor.load(std::memory_order_relaxed) == nullptr) continue;
    taken = *entry;
    entry->value = nullptr;
    return true;
  }
  return false;
}

}  // namespace

void* specific_value(const ControlBlock& coroutine, unsigned key) noexcept {
  if (coroutine.extras == nullptr || coroutine.extras->specific == nullptr) return nullptr;
  SpecificValues& values = *coroutine.extras->specific;
  const Entry* entry = place_of(values, key);
  return entry != values.end() && entry->key == key && is_current(*entry) ? entry->value : nullptr;
}

bool set_specific_value(ControlBlock& coroutine, unsigned key, void* value) noexcept {
  if (value == nullptr && specific_value(coroutine, key) == nullptr) return true;
  CoroutineExtras* extras = extras_of(coroutine);
  if (extras == nullptr) return false;
  SpecificValues*& values = extras->specific;
  if (values == nullptr && !grow(values)) return false;
  Entry* entry = place_of(*values, key);
  if (entry == values->end() || entry->key != key) {
    if (values->count == values->capacity) {
      if (!grow(values)) return false;
      entry = place_of(*values, key);
    }
    std::copy_backward(entry, values->end(), values->end() + 1);
    ++values->count;
  }
  *entry = {key, specific_keys[key].live_generation(), value};
  return true;
}

void destroy_specific_values(ControlBlock& coroutine) noexcept {
  SpecificValues*& values = coroutine.extras->specific;
  for (int round = 0; round < PTHREAD_DESTRUCTOR_ITERATIONS; ++round) {
    bool called = false;
    // Looked for anew each time: a destructor may set values, which moves the entries.
    Entry taken{};
    for (std::uint32_t key = 0; take_next(*values, key, taken); key = taken.key + 1) {
      called = true;
      specific_keys[taken.key].destructor.load(std::memory_order_relaxed)(taken.value);
    }
    if (!called) break;
  }
  thread_state.shared_stacks->memory().free(std::exchange(values, nullptr));
}

}  // namespace colibri
