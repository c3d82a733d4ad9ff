#include "colibri/core/stack.h"

#include <sys/auxv.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <string>

#include "colibri/core/kept_in_exit.h"
#include "colibri/core/sanitizer.h"

namespace colibri {
namespace {

constexpr std::size_t kSmallestSlabBytes = 4 * 1024 * 1024;
constexpr std::size_t kLargestSlabBytes = 256 * 1024 * 1024;
// Of a pass, before others get their turn.
constexpr std::size_t kStacksAtOnce = 512;
// Up to so many stacks are not worth another second of waiting.
constexpr std::size_t kFewStacks = 16;
// Each begin_trim adds one at most and takes half of all stacks away from the oldest ones.
constexpr std::size_t kMostGenerations = 16;

constexpr unsigned long kAtMinSigStackSize = 51;  // AT_MINSIGSTKSZ; not in every libc's headers

[[noreturn]] void refuse_size(std::size_t bytes) {
  throw std::invalid_argument("a stack of " + std::to_string(bytes) +
                              " bytes was asked for; sizes from 16 KiB to 64 MiB are possible");
}

}  // namespace

std::size_t smallest_stack_bytes() noexcept {
  static const std::size_t smallest =
      std::max<std::size_t>(kSmallestStackBytes, 4 * getauxval(kAtMinSigStackSize));
  return smallest;
}

StackPool::~StackPool() {
  if (in_use() == 0 && abandoned_ == 0) return;
  for (Shelf& shelf : shelves_) {
    for (auto& slab : shelf.slabs) keep_for_good(slab.release());
  }
}

// Taking ----------------------------------------------------------------------------------------

PrivateStack* StackPool::acquire_cold(std::size_t bytes) {
  const std::uint32_t size_class = size_class_of(bytes);
  if (bytes < kSmallestStackBytes || bytes > kLargestStackBytes) refuse_size(bytes);
  // What is enough elsewhere must not fail here: the stack is larger than was asked for.
  if (stack_bytes_of_class(size_class) < smallest_stack_bytes()) {
    return acquire(smallest_stack_bytes());
  }
  Shelf& shelf = shelves_[size_class];
  PrivateStack* stack = take_resting(shelf);
  if (stack == nullptr) {
    // Spawning leaves errno as it is, also where the system had to be asked twice.
    const int saved_errno = errno;
    stack = slab_with_room(size_class).take();
    errno = saved_errno;
    ++made_;
    ++shelf.made;
  }
  ++free_[size_class].in_use;
  return stack;
}

PrivateStack* StackPool::take_resting(Shelf& shelf) noexcept {
  if (shelf.generations.empty()) return nullptr;
  Generation& newest = shelf.generations.back();
  PrivateStack* stack = newest.first;
  newest.first = stack->next_free;
  --shelf.resting;
  if (--newest.count == 0) shelf.generations.pop_back();
  return stack;
}

StackSlab& StackPool::slab_with_room(std::uint32_t size_class) {
  Shelf& shelf = shelves_[size_class];
  for (std::size_t& i = shelf.first_slab; i < shelf.slabs.size(); ++i) {
    StackSlab* slab = shelf.slabs[i].get();
    if (slab != nullptr && slab->has_room()) return *slab;
  }
  return add_slab(size_class);
}

StackSlab& StackPool::add_slab(std::uint32_t size_class) {
  Shelf& shelf = shelves_[size_class];
  std::size_t reserved = 0;
  std::size_t capacity = 0;
  for (const auto& slab : shelf.slabs) {
    if (slab == nullptr) continue;
    reserved += slab->bytes();
    capacity += slab->capacity();
  }
  // As much again as there is, so that few stacks reserve little and many need few mappings.
  const std::size_t wish = std::clamp(reserved, kSmallestSlabBytes, kLargestSlabBytes);
  const std::size_t count = std::max<std::size_t>(1, wish / StackSlab::span_bytes(size_class));

  const auto hole = std::find(shelf.slabs.begin(), shelf.slabs.end(), nullptr);
  const auto place = static_cast<std::size_t>(hole - shelf.slabs.begin());
  if (hole == shelf.slabs.end()) shelf.slabs.emplace_back();
  shelf.generations.reserve(kMostGenerations);
  shelf.slabs[place] =
      std::make_unique<StackSlab>(size_class, static_cast<std::uint32_t>(place), count, capacity);
  shelf.first_slab = place;
  return *shelf.slabs[place];
}

// Trimming --------------------------------------------------------------------------------------

void StackPool::begin_trim() noexcept {
  for (std::uint32_t size_class = 0; size_class < kStackSizeClasses; ++size_class) {
    Shelf& shelf = shelves_[size_class];
    shelf.to_trim = shelf.resting <= kFewStacks ? shelf.resting : shelf.resting / 2;
    put_aside(size_class);
  }
}

bool StackPool::trim_some() noexcept {
  std::size_t left = kStacksAtOnce;
  bool more = false;
  for (Shelf& shelf : shelves_) {
    const std::size_t part = std::min(shelf.to_trim, left);
    if (part == 0) continue;
    const std::size_t trimmed = trim_oldest(shelf, part);
    left -= trimmed;
    // Who needed stacks meanwhile has taken them first.
    shelf.to_trim = trimmed < part ? 0 : shelf.to_trim - part;
    more = more || shelf.to_trim != 0;
  }
  return more;
}

/// Returns how many there were.
std::size_t StackPool::trim_oldest(Shelf& shelf, std::size_t count) noexcept {
  std::size_t left = count;
  while (left != 0 && !shelf.generations.empty()) {
    Generation& oldest = shelf.generations.front();
    const std::size_t part = std::min(left, oldest.count);
    set_idle(shelf, oldest, part);
    shelf.resting -= part;
    left -= part;
    if (oldest.count == 0) shelf.generations.erase(shelf.generations.begin());
  }
  give_back(shelf);
  return count - left;
}

void StackPool::trim_now() noexcept {
  for (std::uint32_t size_class = 0; size_class < kStackSizeClasses; ++size_class) {
    Shelf& shelf = shelves_[size_class];
    for (Generation& each : shelf.generations) set_idle(shelf, each, each.count);
    shelf.generations.clear();
    shelf.resting = 0;
    shelf.to_trim = 0;
    Free& free = free_[size_class];
    Generation youngest{free.first, shelf.made - free.in_use};
    free.first = nullptr;
    set_idle(shelf, youngest, youngest.count);
    give_back(shelf);
  }
}

/// What is free becomes the youngest generation. If there are too many, it stays where it is until
/// the oldest is used up.
void StackPool::put_aside(std::uint32_t size_class) noexcept {
  Shelf& shelf = shelves_[size_class];
  Free& free = free_[size_class];
  if (free.first == nullptr || shelf.generations.size() == kMostGenerations) return;
  const std::size_t count = shelf.made - free.in_use - shelf.resting;
  shelf.generations.push_back({free.first, count});
  shelf.resting += count;
  free.first = nullptr;
}

void StackPool::set_idle(Shelf& shelf, Generation& generation, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    PrivateStack* stack = generation.first;
    generation.first = stack->next_free;
    shelf.slabs[stack->slab]->set_idle(*stack);
  }
  generation.count -= count;
  shelf.made -= count;
  idle_ += count;
}

/// The first slab is kept: those who need few stacks, now and then, shall not map it every time.
void StackPool::give_back(Shelf& shelf) noexcept {
  for (std::size_t i = 0; i < shelf.slabs.size(); ++i) {
    auto& slab = shelf.slabs[i];
    if (slab == nullptr) continue;
    if (i != 0 && slab->is_unused()) {
      slab.reset();
    } else {
      slab->give_back();
    }
  }
  shelf.first_slab = 0;
}

PrivateStack* StackPool::owner_of(const void* address) const noexcept {
  for (const Shelf& shelf : shelves_) {
    for (const auto& slab : shelf.slabs) {
      PrivateStack* owner = slab != nullptr ? slab->owner_of(address) : nullptr;
      if (owner != nullptr) return owner;
    }
  }
  return nullptr;
}

PrivateStack* StackPool::owner_of_guard(const void* address) const noexcept {
  PrivateStack* owner = owner_of(address);
  return owner != nullptr && address < owner->low ? owner : nullptr;
}

PrivateStack* StackPool::next_made(Position& position) const noexcept {
  for (; position.size_class < kStackSizeClasses; ++position.size_class, position.slab = 0) {
    const auto& slabs = shelves_[position.size_class].slabs;
    for (; position.slab < slabs.size(); ++position.slab) {
      const StackSlab* slab = slabs[position.slab].get();
      PrivateStack* stack = slab != nullptr ? slab->next_made(position.index) : nullptr;
      if (stack != nullptr) return stack;
      position.index = 0;
    }
  }
  return nullptr;
}

StackPool& thread_stack_pool() noexcept {
  static thread_local KeptInExit<StackPool> pool;
  return pool.get();
}

}  // namespace colibri
