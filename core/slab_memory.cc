#include "colibri/core/slab_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <new>

#include "colibri/core/sanitizer.h"

namespace colibri {
namespace {

constexpr std::size_t kSmallestChunkBytes = 4 * 1024 * 1024;
constexpr std::size_t kLargestChunkBytes = 256 * 1024 * 1024;

std::byte* map(std::size_t bytes) noexcept {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<std::byte*>(memory);
}

std::byte* align_up(std::byte* address, std::size_t alignment) noexcept {
  const auto number = reinterpret_cast<std::uintptr_t>(address);
  return address + (-number & (alignment - 1));
}

}  // namespace

SlabMemory::~SlabMemory() {
  if (in_use_ != 0) return;
  for (const Chunk& chunk : chunks_) {
    unregister_memory(chunk.mapped, chunk.mapped_bytes);
    munmap(chunk.mapped, chunk.mapped_bytes);
  }
}

std::uint32_t SlabMemory::class_of(std::size_t bytes) noexcept {
  if (bytes <= kLargestExact) return static_cast<std::uint32_t>((bytes + 7) / 8);
  // The three bits below the leading one of (bytes - 1) name the eighth of its doubling.
  const auto doubling = static_cast<int>(std::bit_width(bytes - 1)) - 1;
  const auto eighth = static_cast<std::uint32_t>((bytes - 1) >> (doubling - 3)) & 7;
  return 129 + 8 * static_cast<std::uint32_t>(doubling - 10) + eighth;
}

std::size_t SlabMemory::bytes_of_class(std::uint32_t size_class) noexcept {
  if (size_class <= kLargestExact / 8) return std::max<std::size_t>(size_class * 8, 8);
  const std::uint32_t number = size_class - 129;
  return (std::size_t{128} << (number / 8)) * (9 + number % 8);
}

std::size_t SlabMemory::capacity_for(std::size_t bytes) noexcept {
  if (bytes <= kLargestPiece) return bytes_of_class(class_of(bytes));
  return (bytes + kHeaderBytes + 4095) / 4096 * 4096 - kHeaderBytes;
}

void* SlabMemory::allocate_slowly(std::size_t bytes) noexcept {
  if (bytes > kLargestPiece) return allocate_large(bytes);
  const std::uint32_t size_class = class_of(bytes);
  if (partial_[size_class] == nullptr) {
    std::byte* memory = new_slab();
    if (memory == nullptr) return nullptr;
    auto* slab = ::new (memory) Slab;
    slab->size_class = size_class;
    slab->piece_bytes = bytes_of_class(size_class);
    slab->capacity = static_cast<std::uint32_t>((kSlabBytes - kHeaderBytes) / slab->piece_bytes);
    link(*slab);
  }
  return take(*partial_[size_class]);
}

// A mapping of its own, which begins as a slab does, so that free and capacity_of need not know.
void* SlabMemory::allocate_large(std::size_t bytes) noexcept {
  const std::size_t span = capacity_for(bytes) + kHeaderBytes;
  std::byte* memory = map(span + kSlabBytes);
  if (memory == nullptr) return nullptr;
  std::byte* begin = align_up(memory, kSlabBytes);
  if (begin != memory) munmap(memory, static_cast<std::size_t>(begin - memory));
  munmap(begin + span, static_cast<std::size_t>(memory + kSlabBytes - begin));
  auto* slab = ::new (begin) Slab;
  slab->piece_bytes = span - kHeaderBytes;
  slab->used = slab->capacity = 1;
  slab->size_class = kClasses;
  in_use_ += slab->piece_bytes;
  register_memory(begin, span);
  return begin + kHeaderBytes;
}

// After a piece was freed: the slab was full, or is empty now.
void SlabMemory::settle(Slab& slab) noexcept {
  if (slab.size_class == kClasses) {
    const std::size_t span = slab.piece_bytes + kHeaderBytes;
    unregister_memory(reinterpret_cast<std::byte*>(&slab), span);
    munmap(&slab, span);
    return;
  }
  if (slab.used + 1 == slab.capacity) link(slab);
  const bool last = slab.next == nullptr && slab.previous == nullptr;
  if (slab.used == 0 && !last) retire(slab);
}

void SlabMemory::link(Slab& slab) noexcept {
  Slab*& first = partial_[slab.size_class];
  slab.previous = nullptr;
  slab.next = first;
  if (first != nullptr) first->previous = &slab;
  first = &slab;
}

void SlabMemory::unlink(Slab& slab) noexcept {
  if (slab.next != nullptr) slab.next->previous = slab.previous;
  (slab.previous != nullptr ? slab.previous->next : partial_[slab.size_class]) = slab.next;
  slab.next = slab.previous = nullptr;
}

void SlabMemory::retire(Slab& slab) noexcept {
  unlink(slab);
  empty_.push_back(reinterpret_cast<std::byte*>(&slab));
}

std::byte* SlabMemory::new_slab() noexcept {
  if (!empty_.empty()) {
    std::byte* slab = empty_.back();
    empty_.pop_back();
    empty_trimmed_ = std::min(empty_trimmed_, empty_.size());
    return slab;
  }
  if ((chunks_.empty() || chunks_.back().next_slab == chunks_.back().end) && !add_chunk()) {
    return nullptr;
  }
  std::byte* slab = chunks_.back().next_slab;
  chunks_.back().next_slab += kSlabBytes;
  return slab;
}

bool SlabMemory::add_chunk() noexcept {
  const std::size_t wish = chunks_.empty() ? kSmallestChunkBytes : 2 * chunks_.back().mapped_bytes;
  const std::size_t bytes = std::min(wish, kLargestChunkBytes);
  try {
    chunks_.reserve(chunks_.size() + 1);
    empty_.reserve(slab_count_ + bytes / kSlabBytes);
  } catch (const std::bad_alloc&) {
    return false;
  }
  std::byte* memory = map(bytes);
  if (memory == nullptr) return false;
  madvise(memory, bytes, MADV_NOHUGEPAGE);
  register_memory(memory, bytes);
  std::byte* begin = align_up(memory, kSlabBytes);
  const auto slabs = static_cast<std::size_t>(memory + bytes - begin) / kSlabBytes;
  slab_count_ += slabs;
  chunks_.push_back({memory, bytes, begin, begin + slabs * kSlabBytes});
  return true;
}

void SlabMemory::trim_now() noexcept {
  for (Slab* slab : partial_) {
    while (slab != nullptr) {
      Slab* next = slab->next;
      if (slab->used == 0) retire(*slab);
      slab = next;
    }
  }
  // In order of address, so that neighbours go back in one call.
  const auto begin = empty_.begin() + static_cast<std::ptrdiff_t>(empty_trimmed_);
  std::sort(begin, empty_.end());
  for (auto at = begin; at != empty_.end();) {
    auto end = at + 1;
    while (end != empty_.end() && *end == *(end - 1) + kSlabBytes) ++end;
    madvise(*at, static_cast<std::size_t>(end - at) * kSlabBytes, MADV_DONTNEED);
    at = end;
  }
  empty_trimmed_ = empty_.size();
}

}  // namespace colibri
