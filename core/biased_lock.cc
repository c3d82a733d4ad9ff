#include "colibri/core/biased_lock.h"

#include <linux/membarrier.h>
#include <sched.h>

#include <cerrno>

#include "colibri/core/check.h"
#include "colibri/core/scheduler.h"

namespace colibri {
namespace {

enum class Barrier : int { kUnknown, kWorks, kMissing };

long membarrier(int command) noexcept {
  // Whoever unlocks or locks must find errno as it was.
  const int saved_errno = errno;
  const long result = real::syscall(SYS_membarrier, command, 0, 0);
  errno = saved_errno;
  return result;
}

/// True if other threads can be made to pass a barrier. The first call registers the process.
bool barrier_works() noexcept {
  static constinit std::atomic<Barrier> known{Barrier::kUnknown};
  Barrier barrier = known.load(std::memory_order_relaxed);
  if (barrier == Barrier::kUnknown) [[unlikely]] {
    const bool registered = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
    barrier = registered ? Barrier::kWorks : Barrier::kMissing;
    known.store(barrier, std::memory_order_relaxed);
  }
  return barrier == Barrier::kWorks;
}

/// True on a thread whose scheduler a Conductor leads.
bool is_conducted() noexcept {
  return thread_state.scheduler != nullptr && thread_state.scheduler->is_conducted();
}

}  // namespace

void BiasedLock::unlock_shared() noexcept {
  lock_.unlock();
}

bool BiasedLock::try_lock_in_child(bool& biased) noexcept {
  biased = false;
  const ThreadState* owner = owner_.load(std::memory_order_relaxed);
  if (has_no_bias(owner)) return lock_.try_lock();
  const bool owned_elsewhere = owner != nullptr && owner != &thread_state;
  if (!owned_elsewhere) {
    biased = lock();
    return true;
  }
  if (owner == kRevoked || held_.load(std::memory_order_relaxed) || !lock_.try_lock()) return false;
  take_bias_away();
  return true;
}

bool BiasedLock::lock_slowly() noexcept {
  ThreadState* owner = owner_.load(std::memory_order_relaxed);
  if (owner == nullptr) {
    ThreadState* wanted = barrier_works() ? &thread_state : kShared;
    if (is_conducted()) wanted = kWatched;
    owner_.compare_exchange_strong(owner, wanted, std::memory_order_acq_rel);
    if (try_lock_biased()) return true;
  }
  lock_.lock();
  if (!has_no_bias(owner_.load(std::memory_order_relaxed))) take_bias_away();
  return false;
}

void BiasedLock::take_bias_away() noexcept {
  owner_.store(kRevoked, std::memory_order_seq_cst);
  // The child of a fork may have to register anew.
  check(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0 ||
            (membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0 &&
             membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0),
        "membarrier failed after it had been registered; is a seccomp filter in the way?");
  while (held_.load(std::memory_order_acquire)) sched_yield();
  owner_.store(kShared, std::memory_order_release);
}

}  // namespace colibri
