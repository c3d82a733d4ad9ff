#include "colibri/core/stack_guard.h"

#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "colibri/core/stack_limits.h"

namespace colibri {
namespace {

// Since Linux 6.13; Debian 12's headers do not know it yet.
constexpr int kMadvGuardInstall = 102;

enum class Choice : std::uint8_t { kUnasked, kSystem, kMarkers, kMprotect };
constinit std::atomic<Choice> forced{Choice::kUnasked};

/// Guards of kMprotect that the process has.
constinit std::atomic<std::size_t> mprotect_guards{0};

Choice choice_of_environment() noexcept {
  const char* wish = std::getenv("COLIBRI_STACK_GUARD");
  if (wish == nullptr) return Choice::kSystem;
  if (std::strcmp(wish, "markers") == 0) return Choice::kMarkers;
  return std::strcmp(wish, "mprotect") == 0 ? Choice::kMprotect : Choice::kSystem;
}

Choice choice() noexcept {
  static const Choice of_environment = choice_of_environment();
  const Choice wish = forced.load(std::memory_order_relaxed);
  return wish == Choice::kUnasked ? of_environment : wish;
}

/// Whether the kernel really keeps guard markers: emulators answer "yes" to advice that they do not
/// know. Reading pages in ahead fails on a real guard.
bool guard_markers_work() noexcept {
  static const bool work = [] {
    void* page =
        mmap(nullptr, kGuardBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return false;
    const bool works = madvise(page, kGuardBytes, kMadvGuardInstall) == 0 &&
                       madvise(page, kGuardBytes, MADV_POPULATE_READ) != 0;
    munmap(page, kGuardBytes);
    return works;
  }();
  return work;
}

/// How many guards may take mappings: the rest of the process (its allocator, threads and
/// libraries) keeps a tenth of them, since it could not go on without.
std::size_t mprotect_budget() noexcept {
  static const std::size_t budget = mapping_limit() / 10 * 9 / 2;
  return budget;
}

void install_mprotect(std::byte* low) {
  if (mprotect_guards.fetch_add(1, std::memory_order_relaxed) < mprotect_budget()) {
    if (mprotect(low, kGuardBytes, PROT_NONE) == 0) return;
  } else {
    errno = ENOMEM;
  }
  const int error = errno;
  mprotect_guards.fetch_sub(1, std::memory_order_relaxed);
  throw_no_guard(error, mprotect_guards.load(std::memory_order_relaxed));
}

}  // namespace

void force_guard_kind(std::optional<GuardKind> kind) noexcept {
  Choice wish = Choice::kSystem;
  if (kind) wish = *kind == GuardKind::kMarkers ? Choice::kMarkers : Choice::kMprotect;
  forced.store(wish, std::memory_order_relaxed);
}

GuardKind preferred_guard_kind() noexcept {
  return choice() == Choice::kMprotect ? GuardKind::kMprotect : GuardKind::kMarkers;
}

void install_guard(std::byte* low, GuardKind& kind) {
  if (kind == GuardKind::kMarkers) {
    errno = EOPNOTSUPP;
    if (guard_markers_work() && madvise(low, kGuardBytes, kMadvGuardInstall) == 0) return;
    if (choice() == Choice::kMarkers) throw_no_markers(errno);
    kind = GuardKind::kMprotect;
  }
  install_mprotect(low);
}

void forget_guards(std::size_t count) noexcept {
  mprotect_guards.fetch_sub(count, std::memory_order_relaxed);
}

}  // namespace colibri
