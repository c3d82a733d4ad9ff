#include "colibri/core/internal_descriptor.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>

#include "colibri/core/libc.h"
#include "colibri/core/small_lock.h"

namespace colibri {
namespace {

constinit SmallLock lock;
constinit InternalDescriptor* all = nullptr;
constinit std::atomic<int> lowest{std::numeric_limits<int>::max()};

/// A copy of `descriptor` near the top of the range, or -1. Not at the very top of a huge range:
/// the kernel's table of descriptors grows with the largest number in use.
int copy_upwards(int descriptor) noexcept {
  constexpr rlim_t kHighest = 65536;
  constexpr rlim_t kRoom = 64;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
  const rlim_t end = std::min(limit.rlim_cur, kHighest);
  const int start = end > 4 * kRoom ? static_cast<int>(end - kRoom) : 3;
  return real::fcntl(descriptor, F_DUPFD_CLOEXEC, start);
}

/// What our descriptions are known by: the signal that they would send if they were ever asked to
/// send one, which they are not.
int mark() noexcept {
  return SIGRTMAX;
}

void note_lowest(int descriptor) noexcept {
  if (descriptor < lowest.load(std::memory_order_relaxed)) {
    lowest.store(descriptor, std::memory_order_relaxed);
  }
}

}  // namespace

void InternalDescriptor::adopt(int descriptor, const char* what) {
  if (descriptor < 0) throw std::system_error(errno, std::generic_category(), what);
  reset();
  if (const int moved = copy_upwards(descriptor); moved >= 0) {
    real::close(descriptor);
    descriptor = moved;
  }
  marked_ = real::fcntl(descriptor, F_SETSIG, mark()) == 0;
  const SmallLockGuard guard(lock);
  number_.store(descriptor, std::memory_order_release);
  next_ = all;
  all = this;
  note_lowest(descriptor);
}

void InternalDescriptor::reset() noexcept {
  const int descriptor = number();
  const bool sole_owner = forget();
  if (descriptor < 0 || !sole_owner) return;
  if (!marked_ || real::fcntl(descriptor, F_GETSIG) == mark()) real::close(descriptor);
}

/// Takes this out of the list of all. False if the number is that of another in it: ours was lost,
/// and the kernel has given it out again.
bool InternalDescriptor::forget() noexcept {
  const SmallLockGuard guard(lock);
  const int descriptor = number_.exchange(-1);
  bool sole_owner = true;
  for (InternalDescriptor** link = &all; *link != nullptr;) {
    if (*link == this) {
      *link = next_;
      continue;
    }
    sole_owner &= (*link)->number() != descriptor;
    link = &(*link)->next_;
  }
  return sole_owner;
}

bool is_internal_descriptor(int descriptor) noexcept {
  if (descriptor < lowest.load(std::memory_order_relaxed)) return false;
  const SmallLockGuard guard(lock);
  for (const InternalDescriptor* ours = all; ours != nullptr; ours = ours->next_) {
    if (ours->number() == descriptor) return true;
  }
  return false;
}

int next_internal_descriptor(int from) noexcept {
  const SmallLockGuard guard(lock);
  int next = std::numeric_limits<int>::max();
  for (const InternalDescriptor* ours = all; ours != nullptr; ours = ours->next_) {
    if (ours->number() >= from) next = std::min(next, ours->number());
  }
  return next;
}

void yield_descriptor_number(int descriptor) noexcept {
  if (descriptor < lowest.load(std::memory_order_relaxed)) return;
  const SmallLockGuard guard(lock);
  for (InternalDescriptor* ours = all; ours != nullptr; ours = ours->next_) {
    if (ours->number() != descriptor) continue;
    const int moved = copy_upwards(descriptor);
    if (moved < 0) return;  // no number left: the owner will find its descriptor lost and rebuild
    ours->number_.store(moved, std::memory_order_release);
    note_lowest(moved);
    return;
  }
}

void lock_internal_descriptors() noexcept {
  lock.lock();
}

void unlock_internal_descriptors() noexcept {
  lock.unlock();
}

}  // namespace colibri
