#include "colibri/hook/key_rules.h"

#include <atomic>
#include <cstdint>

#include "colibri/core/launch.h"
#include "colibri/core/libc.h"
#include "colibri/core/specific_values.h"
#include "colibri/core/thread_state.h"
#include "colibri/hook/object_kind.h"
#include "colibri/hook/thread_data.h"

namespace colibri::key_rules {
namespace {

enum class Owner : std::uint8_t { kThread, kUndecided, kCoroutine, kForced };

constinit RealFunction real_getspecific{"pthread_getspecific", ::pthread_getspecific};

struct Rule {
  std::atomic<Owner> owner{Owner::kThread};
  std::atomic<const void*> creator{nullptr};
};

/// By number of the key, beside specific_keys.
constinit Rule rules[kSpecificKeys];

bool is_ours(pthread_key_t key) noexcept {
  return key < kSpecificKeys && specific_keys[key].live_generation() != 0;
}

Owner owner_of_new_key(const void* creator) noexcept {
  switch (kind_of_object(creator)) {
    case ObjectKind::kRuntime:
    case ObjectKind::kServant:
      return Owner::kThread;
    case ObjectKind::kExecutable:
      return any_coroutine_yet() ? Owner::kUndecided : Owner::kThread;
    case ObjectKind::kLibrary:
      break;
  }
  return Owner::kUndecided;
}

/// At the first value. An allocator that made its key before it was known for one is known by now.
Owner decide(Rule& rule, const void* value) noexcept {
  const bool threads =
      kind_of_object(rule.creator.load(std::memory_order_relaxed)) == ObjectKind::kServant ||
      lies_in_thread_data(value);
  Owner expected = Owner::kUndecided;
  const Owner decided = threads ? Owner::kThread : Owner::kCoroutine;
  return rule.owner.compare_exchange_strong(expected, decided) ? decided : expected;
}

bool force(pthread_key_t key, Owner owner) noexcept {
  if (!is_ours(key)) return false;
  rules[key].owner.store(owner);
  return true;
}

}  // namespace

void made(pthread_key_t key, void (*destructor)(void*), const void* creator) noexcept {
  if (key >= kSpecificKeys) return;
  rules[key].creator.store(creator, std::memory_order_relaxed);
  rules[key].owner.store(owner_of_new_key(creator), std::memory_order_relaxed);
  specific_keys[key].destructor.store(destructor, std::memory_order_relaxed);
  // From here on the key exists. Its number is ours alone until then. If the last key of this
  // number was deleted behind the hooks' back, its generation is still odd, and must not go on.
  std::atomic<std::uint32_t>& generation = specific_keys[key].generation;
  generation.store((generation.load(std::memory_order_relaxed) + 2) | 1, std::memory_order_release);
}

bool forget(pthread_key_t key) noexcept {
  if (key >= kSpecificKeys) return false;
  std::uint32_t generation = specific_keys[key].live_generation();
  return generation != 0 &&
         specific_keys[key].generation.compare_exchange_strong(generation, generation + 1);
}

bool is_of_coroutines(pthread_key_t key) noexcept {
  return is_ours(key) && rules[key].owner.load(std::memory_order_relaxed) >= Owner::kCoroutine;
}

bool is_of_coroutines(pthread_key_t key, const void* value) noexcept {
  if (!is_ours(key)) return false;
  Owner owner = rules[key].owner.load(std::memory_order_relaxed);
  if (owner == Owner::kUndecided && value != nullptr) owner = decide(rules[key], value);
  return owner >= Owner::kCoroutine;
}

bool keep_in_thread(pthread_key_t key) noexcept {
  return force(key, Owner::kThread);
}

bool give_to_coroutines(pthread_key_t key) noexcept {
  return force(key, Owner::kForced);
}

void give_early_keys_to_coroutines() noexcept {
  if (executable_has_allocator()) return;
  for (pthread_key_t key = 0; key < kSpecificKeys; ++key) {
    Rule& rule = rules[key];
    if (!is_ours(key) || rule.owner.load() != Owner::kThread) continue;
    if (kind_of_object(rule.creator.load()) != ObjectKind::kExecutable) continue;
    void* const value = real_getspecific(key);
    rule.owner.store(Owner::kUndecided);
    if (value == nullptr || decide(rule, value) != Owner::kCoroutine) continue;
    set_specific_value(*thread_state.current, key, value);
  }
}

}  // namespace colibri::key_rules
