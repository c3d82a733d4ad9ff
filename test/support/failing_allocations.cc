#include "test/support/failing_allocations.h"

#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <limits>
#include <new>

namespace {

constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

struct Plan {
  std::size_t successes = kNever;
  std::size_t failures = 0;
  bool has_failed = false;
};

constinit thread_local Plan plan;
constinit std::atomic<long> pieces{0};
constinit std::atomic<long> mapped{0};

bool must_fail() noexcept {
  if (plan.successes == kNever) return false;
  if (plan.successes > 0) {
    --plan.successes;
    return false;
  }
  if (plan.failures == 0) return false;
  --plan.failures;
  plan.has_failed = true;
  return true;
}

void* try_to_allocate(std::size_t size, std::size_t alignment) noexcept {
  if (must_fail()) return nullptr;
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  void* piece = alignment <= alignof(std::max_align_t) ? std::malloc(size != 0 ? size : 1)
                                                       : std::aligned_alloc(alignment, rounded);
  if (piece != nullptr) pieces.fetch_add(1, std::memory_order_relaxed);
  return piece;
}

void* allocate(std::size_t size, std::size_t alignment) {
  void* piece = try_to_allocate(size, alignment);
  if (piece == nullptr) throw std::bad_alloc();
  return piece;
}

void release(void* piece) noexcept {
  if (piece == nullptr) return;
  pieces.fetch_sub(1, std::memory_order_relaxed);
  std::free(piece);
}

}  // namespace

// The forms that are not here call one of these, or each other in a sanitizer. In there the nothrow
// forms would not, and what they give comes back to ours.
void* operator new(std::size_t size) {
  return allocate(size, 1);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return try_to_allocate(size, 1);
}
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return try_to_allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* piece) noexcept {
  release(piece);
}
void operator delete(void* piece, std::size_t) noexcept {
  release(piece);
}
void operator delete(void* piece, std::align_val_t) noexcept {
  release(piece);
}
void operator delete(void* piece, std::size_t, std::align_val_t) noexcept {
  release(piece);
}

extern "C" {

void* __real_mmap(void* address, std::size_t size, int protection, int flags, int file, off_t at);
int __real_munmap(void* address, std::size_t size);
void* __wrap_mmap(void* address, std::size_t size, int protection, int flags, int file, off_t at);
int __wrap_munmap(void* address, std::size_t size);

void* __wrap_mmap(void* address, std::size_t size, int protection, int flags, int file, off_t at) {
  if (must_fail()) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  void* memory = __real_mmap(address, size, protection, flags, file, at);
  if (memory != MAP_FAILED) mapped.fetch_add(static_cast<long>(size));
  return memory;
}

int __wrap_munmap(void* address, std::size_t size) {
  const int result = __real_munmap(address, size);
  if (result == 0) mapped.fetch_sub(static_cast<long>(size));
  return result;
}

}  // extern "C"

namespace colibri::test {

FailingAllocations::FailingAllocations(std::size_t successes, std::size_t failures) noexcept {
  plan = {successes, failures, false};
}

FailingAllocations::~FailingAllocations() {
  plan = {};
}

bool FailingAllocations::has_failed() const noexcept {
  return plan.has_failed;
}

long pieces_in_use() noexcept {
  return pieces.load();
}

long mapped_bytes() noexcept {
  return mapped.load();
}

}  // namespace colibri::test
