#include "colibri/core/stack_usage.h"

#include <fmt/format.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string_view>
#include <tuple>

#include "colibri/core/libc.h"
#include "colibri/core/sanitizer.h"
#include "colibri/core/small_lock.h"
#include "colibri/core/stack_of.h"

namespace colibri {

constinit std::atomic<bool> stack_usage_is_measured{kDebugBuild};

namespace {

constexpr std::uintptr_t kPageBytes = 4096;
constexpr unsigned long kAtMinSigStackSize = 51;  // AT_MINSIGSTKSZ; not in every libc's headers

const bool asked_for = [] {
  const char* wish = std::getenv("COLIBRI_STACK_USAGE");
  if (wish == nullptr || std::string_view(wish) != "1") return false;
  stack_usage_is_measured.store(true, std::memory_order_relaxed);
  return true;
}();

using Key = std::tuple<std::string_view, std::uint32_t, std::size_t>;  // file, line, stack size
using Table = std::map<Key, StackUsage>;

constinit SmallLock table_lock;

/// Leaked: coroutines may end until the very end.
Table& table() {
  static Table* const instance = new Table;
  return *instance;
}

/// The lowest page from `low` to `high` that is in memory; `high` when none is.
std::uintptr_t lowest_touched_page(std::uintptr_t low, std::uintptr_t high) noexcept {
  constexpr std::size_t kPagesAtOnce = 256;
  unsigned char present[kPagesAtOnce];
  while (low < high) {
    const std::size_t pages = std::min((high - low) / kPageBytes, kPagesAtOnce);
    if (mincore(reinterpret_cast<void*>(low), pages * kPageBytes, present) != 0) return high;
    for (std::size_t i = 0; i < pages; ++i) {
      if ((present[i] & 1) != 0) return low + i * kPageBytes;
    }
    low += pages * kPageBytes;
  }
  return high;
}

/// The lowest word of a page that is not zero. A page of zeros was touched all the same, and counts
/// from its beginning. Frames that have ended are no business of AddressSanitizer's, and what they
/// did not write is none of Valgrind's.
__attribute__((no_sanitize("address"), noinline)) std::uintptr_t lowest_used_byte(
    std::uintptr_t page) noexcept {
  if (kRunsOnValgrind) [[unlikely]]
    tell_valgrind_defined(reinterpret_cast<void*>(page), kPageBytes);
  const auto* words = reinterpret_cast<const volatile std::uint64_t*>(page);
  for (std::size_t i = 0; i < kPageBytes / sizeof *words; ++i) {
    if (words[i] != 0) return page + i * sizeof *words;
  }
  return page;
}

/// Gives back the pages below those that the caller uses.
[[gnu::noinline]] void clear_below_caller(std::uintptr_t low) noexcept {
  // More than this function's own frame and that of madvise.
  constexpr std::uintptr_t kOwnFrames = 1024;
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  const std::uintptr_t high = (here - kOwnFrames) & ~(kPageBytes - 1);
  if (high > low) madvise(reinterpret_cast<void*>(low), high - low, MADV_DONTNEED);
}

std::size_t enough_for(std::size_t peak) noexcept {
  const std::size_t wish = peak + peak / 4 + getauxval(kAtMinSigStackSize);
  std::size_t bytes = kSmallestStackBytes;
  while (bytes < kLargestStackBytes && bytes < std::max(wish, smallest_stack_bytes())) bytes *= 2;
  return bytes;
}

void record(const ControlBlock& self, std::size_t peak) {
  const std::size_t stack_bytes = stack_bytes_of_class(private_stack_of(self).size_class);
  const Origin origin = origin_of(self.origin);
  const SmallLockGuard guard(table_lock);
  StackUsage& usage = table()[Key{origin.site.file, origin.site.line, stack_bytes}];
  if (usage.coroutines++ == 0) {
    usage.site = origin.site;
    usage.name = origin.name;
    usage.stack_bytes = stack_bytes;
  }
  usage.peak_bytes = std::max(usage.peak_bytes, peak);
}

std::string_view printed_name(const StackUsage& usage) noexcept {
  return *usage.name != '\0' ? usage.name : "-";
}

}  // namespace

void measure_stack_usage(bool on) noexcept {
  if (on) thread_stack_pool().trim_now();
  stack_usage_is_measured.store(on, std::memory_order_relaxed);
}

bool prints_stack_usage_at_end() noexcept {
  return asked_for;
}

void note_stack_usage(const ControlBlock& self) noexcept {
  // On a shared stack, the deepest of all would be taken for this one's.
  if (self.on_shared_stack()) return;
  PrivateStack& stack = private_stack_of(self);
  const auto low = reinterpret_cast<std::uintptr_t>(stack.low);
  const auto top = reinterpret_cast<std::uintptr_t>(stack.top());
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  const std::uintptr_t own_page = here & ~(kPageBytes - 1);
  const std::uintptr_t lowest = lowest_used_byte(lowest_touched_page(low, own_page));
  clear_below_caller(low);
  try {
    record(self, top - lowest);
  } catch (...) {
    // No memory to note it.
  }
}

std::vector<StackUsage> stack_usage() {
  std::vector<StackUsage> all;
  {
    const SmallLockGuard guard(table_lock);
    for (const auto& [key, usage] : table()) all.push_back(usage);
  }
  for (StackUsage& usage : all) usage.enough_bytes = enough_for(usage.peak_bytes);
  std::stable_sort(all.begin(), all.end(), [](const StackUsage& left, const StackUsage& right) {
    return left.peak_bytes > right.peak_bytes;
  });
  return all;
}

std::string to_string(const std::vector<StackUsage>& usage) {
  std::string text = fmt::format("{:>10} {:>11} {:>11} {:>11}  {}\n", "coroutines", "stack", "peak",
                                 "would do", "name, spawned at");
  for (const StackUsage& each : usage) {
    text +=
        fmt::format("{:>10} {:>7} KiB {:>7.1f} KiB {:>7} KiB  {} {}:{}\n", each.coroutines,
                    each.stack_bytes / 1024, static_cast<double>(each.peak_bytes) / 1024,
                    each.enough_bytes / 1024, printed_name(each), each.site.file, each.site.line);
  }
  return text;
}

void print_stack_usage() noexcept {
  try {
    const std::string text = "colibri: stack usage\n" + to_string(stack_usage());
    // Nothing can be done if it fails.
    [[maybe_unused]] const ssize_t written = real::write(2, text.data(), text.size());
  } catch (...) {
  }
}

}  // namespace colibri
