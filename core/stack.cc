#include "colibri/core/stack.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>

#include "colibri/core/sanitizer.h"

namespace colibri {
namespace {

constexpr std::size_t kPageBytes = 4096;
// Four pages: a frame that was not compiled with stack-clash protection and skips one page of its
// locals still meets the guard.
constexpr std::size_t kGuardBytes = 4 * kPageBytes;
// Neighbouring stacks begin at different distances from a page boundary; otherwise the hot frames
// of all coroutines would compete for the same few sets of the processor's cache.
constexpr std::size_t kColours = 24;
constexpr std::size_t kColourBytes = 64;
constexpr std::size_t kSmallestSlabBytes = 4 * 1024 * 1024;
constexpr std::size_t kLargestSlabBytes = 256 * 1024 * 1024;

// Since Linux 6.13; Debian 12's headers do not know it yet.
constexpr int kMadvGuardInstall = 102;

std::size_t bytes_of_class(std::uint32_t size_class) noexcept {
  return kSmallestStackBytes << size_class;
}

/// Whether the kernel really keeps guard markers: emulators answer "yes" to advice that they do not
/// know. Reading pages in ahead fails on a real guard.
bool guard_markers_work() noexcept {
  static const bool work = [] {
    void* page =
        mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return false;
    const bool works = madvise(page, kPageBytes, kMadvGuardInstall) == 0 &&
                       madvise(page, kPageBytes, MADV_POPULATE_READ) != 0;
    munmap(page, kPageBytes);
    return works;
  }();
  return work;
}

[[noreturn]] void throw_no_address_space(std::size_t bytes) {
  throw std::system_error(errno, std::generic_category(),
                          "cannot reserve " + std::to_string(bytes >> 20) +
                              " MiB of address space for stacks; look at vm.max_map_count, "
                              "vm.overcommit_memory and RLIMIT_AS");
}

}  // namespace

StackPool::~StackPool() {
  if (in_use_ != 0 || abandoned_ != 0) return;
  for (std::uint32_t size_class = 0; kAddressSanitizer && size_class < kClasses; ++size_class) {
    for (PrivateStack* stack = free_[size_class]; stack != nullptr; stack = stack->next_free) {
      unregister_stack(stack->low, bytes_of_class(size_class));
    }
  }
  for (const auto& slabs : slabs_) {
    for (const Slab& slab : slabs) munmap(slab.base, slab.bytes);
  }
}

PrivateStack* StackPool::acquire_new(std::size_t bytes) {
  if (bytes < kSmallestStackBytes || bytes > kLargestStackBytes) {
    throw std::invalid_argument("a stack of " + std::to_string(bytes) +
                                " bytes was asked for; sizes from 16 KiB to 64 MiB are possible");
  }
  PrivateStack* stack = carve(size_class_of(bytes));
  ++made_;
  ++in_use_;
  return stack;
}

PrivateStack* StackPool::carve(std::uint32_t size_class) {
  const std::size_t span = bytes_of_class(size_class) + kGuardBytes;
  auto& slabs = slabs_[size_class];
  if (slabs.empty() || slabs.back().next_offset + span > slabs.back().bytes) add_slab(size_class);
  Slab& slab = slabs.back();
  std::byte* low = slab.base + slab.next_offset;
  if (!protect(slab, low, kGuardBytes)) throw_no_address_space(span);
  slab.next_offset += span;

  const std::size_t colour = made_in_class_[size_class]++ % kColours;
  std::byte* high = low + span - colour * kColourBytes - 64;
  auto* stack = new (high) PrivateStack;
  stack->low = low + kGuardBytes;
  stack->size_class = size_class;
  register_stack(stack->low, bytes_of_class(size_class));
  return stack;
}

void StackPool::add_slab(std::uint32_t size_class) {
  auto& slabs = slabs_[size_class];
  const std::size_t span = bytes_of_class(size_class) + kGuardBytes;
  // Double with each slab, so that few stacks reserve little and many need few mappings.
  const std::size_t wish = slabs.empty() ? kSmallestSlabBytes : slabs.back().bytes * 2;
  const std::size_t count = std::max<std::size_t>(1, std::min(wish, kLargestSlabBytes) / span);
  const std::size_t bytes = count * span;
  slabs.reserve(slabs.size() + 1);
  void* base = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (base == MAP_FAILED) throw_no_address_space(bytes);
  // A huge page would make two megabytes resident for one touched byte.
  madvise(base, bytes, MADV_NOHUGEPAGE);
  slabs.push_back({static_cast<std::byte*>(base), bytes, 0, GuardKind::kMarkers});
}

bool StackPool::protect(Slab& slab, std::byte* low, std::size_t bytes) noexcept {
  if (slab.guard == GuardKind::kMarkers) {
    if (guard_markers_work() && madvise(low, bytes, kMadvGuardInstall) == 0) return true;
    slab.guard = GuardKind::kMprotect;  // older kernel, or memory locked by mlockall
  }
  return mprotect(low, bytes, PROT_NONE) == 0;
}

void StackPool::trim_now() noexcept {
  for (PrivateStack* head : free_) {
    for (PrivateStack* stack = head; stack != nullptr; stack = stack->next_free) {
      const auto top = reinterpret_cast<std::uintptr_t>(stack->top()) & ~(kPageBytes - 1);
      const auto low = reinterpret_cast<std::uintptr_t>(stack->low);
      if (top > low) madvise(stack->low, top - low, MADV_DONTNEED);
    }
  }
}

StackPool& thread_stack_pool() noexcept {
  static thread_local StackPool pool;
  return pool;
}

}  // namespace colibri
