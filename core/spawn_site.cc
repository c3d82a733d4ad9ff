#include "colibri/core/spawn_site.h"

#include <atomic>

#include "colibri/core/origin_table.h"
#include "colibri/core/small_lock.h"

namespace colibri {

// A hash table with open addressing in which nothing ever moves: an index is a place in it.
constinit OriginEntry origin_entries[kOriginEntries];

namespace {

constexpr std::uint32_t kMostInUse = 60000;  // beyond, searches grow long

constinit SmallLock insertion_lock;
constinit std::uint32_t in_use = 0;

std::uint32_t first_place(const SpawnSite& site, const char* name) noexcept {
  // Fibonacci hashing; the upper half of the product is the mixed one.
  constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;
  const auto file = reinterpret_cast<std::uintptr_t>(site.file);
  const std::uint64_t key =
      file ^ (std::uint64_t{site.line} << 32) ^ (reinterpret_cast<std::uintptr_t>(name) << 7);
  return static_cast<std::uint32_t>((key * kGolden) >> 48);
}

bool matches(const OriginEntry& entry, const char* file, const SpawnSite& site,
             const char* name) noexcept {
  return file == site.file && entry.line == site.line && entry.name == name;
}

/// The place of this origin, or the free one where it belongs.
std::uint32_t find(const SpawnSite& site, const char* name) noexcept {
  std::uint32_t place = first_place(site, name);
  for (;; place = (place + 1) % kOriginEntries) {
    if (place == 0) continue;
    const OriginEntry& entry = origin_entries[place];
    const char* file = entry.file.load(std::memory_order_acquire);
    if (file == nullptr || matches(entry, file, site, name)) return place;
  }
}

std::uint32_t insert(const SpawnSite& site, const char* name) noexcept {
  const SmallLockGuard guard(insertion_lock);
  const std::uint32_t place = find(site, name);
  OriginEntry& entry = origin_entries[place];
  if (entry.file.load(std::memory_order_relaxed) != nullptr) return place;
  if (in_use >= kMostInUse) return 0;
  ++in_use;
  entry.name = name;
  entry.line = site.line;
  entry.file.store(site.file, std::memory_order_release);
  return place;
}

}  // namespace

OriginIndex intern_origin(const SpawnSite& site, const char* name) noexcept {
  std::uint32_t place = find(site, name);
  if (origin_entries[place].file.load(std::memory_order_relaxed) == nullptr) [[unlikely]] {
    place = insert(site, name);
  }
  return static_cast<OriginIndex>(place);
}

Origin origin_of(OriginIndex index) noexcept {
  const OriginEntry& entry = origin_entries[index];
  const char* file = entry.file.load(std::memory_order_acquire);
  return file == nullptr ? Origin{} : Origin{{file, entry.line}, entry.name};
}

}  // namespace colibri
