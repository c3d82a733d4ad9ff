// Memory for control blocks and saved stacks: exact size classes, so that a million small pieces
// cost little more than they hold, and pages that go back to the system.
//
// Pieces of one size share a slab of 64 KiB, aligned to its size: masking a piece's address finds
// the slab (as in Bonwick, "The Slab Allocator", 1994). Slabs are carved from reserved address
// space and touched page by page; empty ones serve any class.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace colibri {

/// One thread's: a piece is freed on the thread that allocated it.
class SlabMemory {
 public:
  SlabMemory() noexcept = default;
  /// Unmaps everything, unless pieces are in use: what was abandoned may still be pointed at.
  ~SlabMemory();
  SlabMemory(const SlabMemory&) = delete;
  SlabMemory& operator=(const SlabMemory&) = delete;

  /// At least `bytes`, at most an eighth more (exact to 8 bytes up to 1 KiB; whole pages beyond
  /// 16 KiB). Aligned to 16 if `bytes` is a multiple of 16, else to 8. Null when the system has no
  /// memory.
  void* allocate(std::size_t bytes) noexcept {
    Slab* slab = bytes <= kLargestExact ? partial_[(bytes + 7) / 8] : nullptr;
    if (slab == nullptr) [[unlikely]]
      return allocate_slowly(bytes);
    return take(*slab);
  }

  /// Null has no effect.
  void free(void* piece) noexcept {
    if (piece == nullptr) return;
    Slab& slab = slab_of(piece);
    auto* freed = static_cast<FreePiece*>(piece);
    freed->next = slab.free;
    slab.free = freed;
    in_use_ -= slab.piece_bytes;
    const std::uint32_t used = --slab.used;
    // An empty slab that is the only one of its class stays, so that a coroutine that comes and
    // goes does not make and unmake it.
    const bool last = slab.next == nullptr && slab.previous == nullptr;
    if (used + 1 == slab.capacity || (used == 0 && !last)) [[unlikely]]
      settle(slab);
  }

  /// How much `piece` holds.
  static std::size_t capacity_of(const void* piece) noexcept { return slab_of(piece).piece_bytes; }
  /// How much a piece for `bytes` would hold.
  static std::size_t capacity_for(std::size_t bytes) noexcept;

  /// Returns the pages of all empty slabs to the system.
  void trim_now() noexcept;

  /// Whether trim_now would give slabs back that were in use since the last time.
  bool has_memory_to_trim() const noexcept { return empty_.size() > empty_trimmed_; }

  /// Bytes of pieces allocated and not freed.
  std::size_t in_use() const noexcept { return in_use_; }

 private:
  static constexpr std::size_t kSlabBytes = 64 * 1024;
  static constexpr std::size_t kHeaderBytes = 64;
  static constexpr std::size_t kLargestExact = 1024;
  static constexpr std::size_t kLargestPiece = 16 * 1024;
  // 0 to 128: multiples of 8. Then eight classes a doubling, up to 16 KiB.
  static constexpr std::uint32_t kClasses = 129 + 8 * 4;

  struct FreePiece {
    FreePiece* next;
  };
  struct Slab {
    FreePiece* free = nullptr;
    Slab* next = nullptr;  // among those of its class with room
    Slab* previous = nullptr;
    std::size_t piece_bytes = 0;
    std::uint32_t used = 0;
    std::uint32_t carved = 0;  // pieces taken from the untouched part so far
    std::uint32_t capacity = 0;
    std::uint32_t size_class = 0;
  };
  static_assert(sizeof(Slab) <= kHeaderBytes);
  struct Chunk {
    std::byte* mapped = nullptr;
    std::size_t mapped_bytes = 0;
    std::byte* next_slab = nullptr;
    std::byte* end = nullptr;
  };

  static Slab& slab_of(const void* piece) noexcept {
    return *reinterpret_cast<Slab*>(reinterpret_cast<std::uintptr_t>(piece) & ~(kSlabBytes - 1));
  }
  static std::uint32_t class_of(std::size_t bytes) noexcept;
  static std::size_t bytes_of_class(std::uint32_t size_class) noexcept;

  void* take(Slab& slab) noexcept {
    void* piece = slab.free;
    if (piece != nullptr) {
      slab.free = slab.free->next;
    } else {
      piece = reinterpret_cast<std::byte*>(&slab) + kHeaderBytes + slab.carved * slab.piece_bytes;
      ++slab.carved;
    }
    in_use_ += slab.piece_bytes;
    if (++slab.used == slab.capacity) [[unlikely]]
      unlink(slab);
    return piece;
  }
  void* allocate_slowly(std::size_t bytes) noexcept;
  void* allocate_large(std::size_t bytes) noexcept;
  void settle(Slab& slab) noexcept;
  void link(Slab& slab) noexcept;
  void unlink(Slab& slab) noexcept;
  void retire(Slab& slab) noexcept;
  std::byte* new_slab() noexcept;
  bool add_chunk() noexcept;

  Slab* partial_[kClasses] = {};
  std::vector<std::byte*> empty_;  // has room for every slab there is: adding never allocates
  std::size_t empty_trimmed_ = 0;  // the first so many of `empty_` were given back already
  std::size_t slab_count_ = 0;
  std::vector<Chunk> chunks_;
  std::size_t in_use_ = 0;
};

}  // namespace colibri
