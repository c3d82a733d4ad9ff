// Thread-specific data of coroutines: what pthread_setspecific and its kind keep for each thread.
//
// libc gives out the keys. What is kept here goes by their numbers, and numbers come round: so each
// key has a generation, and a value of an earlier one counts for nothing.
#pragma once

#include <limits.h>

#include <atomic>
#include <cstdint>

#include "colibri/core/control_block.h"

namespace colibri {

/// One key of the process, as far as coroutines have values for it. Any thread.
struct SpecificKey {
  std::atomic<void (*)(void*)> destructor{nullptr};
  std::atomic<std::uint32_t> generation{0};  // odd while the key exists

  /// The generation of a key that exists; 0 for one that does not.
  std::uint32_t live_generation() const noexcept {
    const std::uint32_t now = generation.load(std::memory_order_acquire);
    return now % 2 != 0 ? now : 0;
  }
};

inline constexpr unsigned kSpecificKeys = PTHREAD_KEYS_MAX;
// Numbers beyond libc's, for what few coroutines have; see coroutine_exit.cc. No destructors.
inline constexpr unsigned kCleanupSlot = kSpecificKeys;
inline constexpr unsigned kExitSlot = kSpecificKeys + 1;

/// By number. Written by whoever makes and deletes keys.
extern constinit SpecificKey specific_keys[kSpecificKeys + 2];

/// The values of one coroutine, in the order of their keys. In the thread's slab memory.
struct SpecificValues {
  struct Entry {
    std::uint32_t key;
    std::uint32_t generation;
    void* value;
  };
  std::uint32_t count = 0;
  std::uint32_t capacity = 0;

  Entry* begin() noexcept { return reinterpret_cast<Entry*>(this + 1); }
  Entry* end() noexcept { return begin() + count; }
};

// For the running coroutine: `extras` and what hangs on them are its own. `key` is below
// kSpecificKeys, or one of the slots.

/// Null where there is none. Takes no memory.
void* specific_value(const ControlBlock& coroutine, unsigned key) noexcept;

/// False when there is no memory. Asks malloc for none itself, but the thread's slabs may, when
/// they grow.
bool set_specific_value(ControlBlock& coroutine, unsigned key, void* value) noexcept;

/// At the coroutine's end: calls the destructors of the keys that have one and a value, by number,
/// each with its value set back to null; again as long as they set new ones, but
/// PTHREAD_DESTRUCTOR_ITERATIONS times at most. They may do all that the coroutine might. An
/// exception from one ends the process.
void destroy_specific_values(ControlBlock& coroutine) noexcept;

}  // namespace colibri
