// A sparse array indexed by descriptor number: any number the kernel can hand out, memory only
// for those in use.
#pragma once

#include <sys/mman.h>

#include <atomic>
#include <cstddef>
#include <type_traits>

namespace colibri {

/// Entries begin as all bytes zero and never move. Lookup takes no lock, from any thread; what an
/// entry holds is the user's to synchronise. Memory comes from mmap, so that hooks below malloc
/// can use it. A constant-initialised global works before any constructor has run.
template <class Entry>
class DescriptorMap {
  static_assert(std::is_trivially_destructible_v<Entry>);

 public:
  constexpr DescriptorMap() noexcept = default;
  DescriptorMap(const DescriptorMap&) = delete;
  DescriptorMap& operator=(const DescriptorMap&) = delete;

  /// Null if nothing near `descriptor` was ever created, or it is negative.
  Entry* find(int descriptor) const noexcept {
    const auto number = static_cast<unsigned>(descriptor);
    std::atomic<Entry*>* chunks = chunks_.load(std::memory_order_acquire);
    if (chunks == nullptr || number >= kChunks * kChunkEntries) return nullptr;
    Entry* chunk = chunks[number / kChunkEntries].load(std::memory_order_acquire);
    return chunk == nullptr ? nullptr : &chunk[number % kChunkEntries];
  }

  /// As find, but makes the entry. Null only when the system has no memory.
  Entry* find_or_create(int descriptor) noexcept {
    if (Entry* entry = find(descriptor)) return entry;
    const auto number = static_cast<unsigned>(descriptor);
    if (number >= kChunks * kChunkEntries) return nullptr;
    std::atomic<Entry*>* chunks = publish(chunks_, kChunks);
    if (chunks == nullptr) return nullptr;
    Entry* chunk = publish(chunks[number / kChunkEntries], kChunkEntries);
    return chunk == nullptr ? nullptr : &chunk[number % kChunkEntries];
  }

  /// All entries in memory have smaller numbers.
  unsigned end() const noexcept {
    const std::atomic<Entry*>* chunks = chunks_.load(std::memory_order_acquire);
    unsigned count = chunks == nullptr ? 0 : kChunks;
    while (count != 0 && chunks[count - 1].load(std::memory_order_acquire) == nullptr) --count;
    return count * kChunkEntries;
  }

  /// Calls `visit(descriptor, entry)` for every entry in memory.
  template <class Visit>
  void for_each(Visit visit) {
    std::atomic<Entry*>* chunks = chunks_.load(std::memory_order_acquire);
    for (unsigned i = 0; chunks != nullptr && i < kChunks; ++i) {
      Entry* chunk = chunks[i].load(std::memory_order_acquire);
      for (unsigned j = 0; chunk != nullptr && j < kChunkEntries; ++j) {
        visit(static_cast<int>(i * kChunkEntries + j), chunk[j]);
      }
    }
  }

  /// All entries are zero again, and stay where they are. Nobody may use the map meanwhile.
  void forget_all() noexcept {
    std::atomic<Entry*>* chunks = chunks_.load(std::memory_order_acquire);
    for (unsigned i = 0; chunks != nullptr && i < kChunks; ++i) {
      // Private memory of nobody's file: the system gives zeros.
      if (Entry* chunk = chunks[i].load()) {
        madvise(chunk, kChunkEntries * sizeof(Entry), MADV_DONTNEED);
      }
    }
  }

  /// Gives all memory back. Nobody may use the map meanwhile.
  void clear() noexcept {
    std::atomic<Entry*>* chunks = chunks_.exchange(nullptr);
    if (chunks == nullptr) return;
    for (unsigned i = 0; i < kChunks; ++i) {
      if (Entry* chunk = chunks[i].load()) munmap(chunk, kChunkEntries * sizeof(Entry));
    }
    munmap(chunks, kChunks * sizeof(std::atomic<Entry*>));
  }

 private:
  static constexpr unsigned kChunkEntries = 4096;
  static constexpr unsigned kChunks = 8192;  // 33 million descriptors; touched lazily

  /// Maps `count` zeroed objects and stores them in `slot`, unless another thread was faster.
  template <class Object>
  static Object* publish(std::atomic<Object*>& slot, std::size_t count) noexcept {
    if (Object* present = slot.load(std::memory_order_acquire)) return present;
    void* memory = mmap(nullptr, count * sizeof(Object), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return nullptr;
    Object* expected = nullptr;
    auto* made = static_cast<Object*>(memory);
    if (slot.compare_exchange_strong(expected, made, std::memory_order_acq_rel)) return made;
    munmap(memory, count * sizeof(Object));
    return expected;
  }

  std::atomic<std::atomic<Entry*>*> chunks_{nullptr};
};

}  // namespace colibri
