#include "colibri/core/offload.h"

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <limits>
#include <optional>
#include <system_error>
#include <thread>

#include "colibri/core/channel.h"
#include "colibri/core/check.h"
#include "colibri/core/libc.h"
#include "colibri/core/signals_blocked.h"

namespace colibri {
namespace {

constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();
constexpr HelperSet kAllHelperSets[kHelperSets] = {HelperSet::kGeneral, HelperSet::kFiles,
                                                   HelperSet::kNames, HelperSet::kUnbounded};

class HelperPool;
void for_each_pool(void (HelperPool::*act)() noexcept) noexcept;

/// Threads that take jobs from a channel, as plain threads. Never ends: threads may be in the midst
/// of a job when the process exits.
class HelperPool {
 public:
  explicit HelperPool(const OffloadLimits& limits) : limits_(limits) {}

  void set_limits(const OffloadLimits& limits) {
    const SmallLockGuard guard(lock_);
    check(!jobs_.has_value(), "set_offload_limits called after the first offload");
    limits_ = limits;
  }

  void submit(std::unique_ptr<HelperJob> job) {
    const Channel<std::unique_ptr<HelperJob>> jobs = jobs_with_a_thread();
    if (!jobs.try_send(std::move(job))) {
      {
        const SmallLockGuard guard(lock_);
        --pending_;
      }
      throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                              "offload: too many calls wait for a helper thread");
    }
  }

  std::size_t under_way() noexcept {
    const SmallLockGuard guard(lock_);
    return pending_ + threads_ - idle_;
  }

  HelperFigures figures() const noexcept {
    return {.threads = threads_.load(std::memory_order_relaxed),
            .idle = idle_.load(std::memory_order_relaxed),
            .queued = pending_.load(std::memory_order_relaxed),
            .jobs = jobs_taken_.load(std::memory_order_relaxed)};
  }

  /// In the child of a fork: the threads stayed with the parent, and so do their jobs.
  void restart_in_child() noexcept {
    // Not destroyed: what waited on it has vanished in the midst of its waits. Without memory the
    // child ends: NOLINTNEXTLINE(bugprone-unhandled-exception-at-new)
    if (jobs_.has_value()) new Channel<std::unique_ptr<HelperJob>>(*jobs_);
    jobs_.reset();
    threads_ = idle_ = pending_ = 0;
    lock_.unlock();
  }
  void before_fork() noexcept { lock_.lock(); }
  void after_fork() noexcept { lock_.unlock(); }

 private:
  Channel<std::unique_ptr<HelperJob>> jobs_with_a_thread();
  void serve(const Channel<std::unique_ptr<HelperJob>>& jobs);
  bool is_unbounded() const noexcept { return limits_.threads == kNoLimit; }

  SmallLock lock_;  // over all that follows
  OffloadLimits limits_;
  std::optional<Channel<std::unique_ptr<HelperJob>>> jobs_;
  // Atomic for figures() alone.
  std::atomic<std::size_t> threads_{0};
  std::atomic<std::size_t> idle_{0};  // threads without a job, from their start on
  // Jobs that no thread has yet; at most idle_ where there is no limit.
  std::atomic<std::size_t> pending_{0};
  std::atomic<std::uint64_t> jobs_taken_{0};
};

HelperPool& pool(HelperSet set) {
  constexpr std::size_t kQueued = 65536;
  static HelperPool* const pools = []() -> HelperPool* {
    auto* made =
        new HelperPool[kHelperSets]{HelperPool(OffloadLimits()), HelperPool({16, kQueued}),
                                    HelperPool({64, kQueued}), HelperPool({kNoLimit, kQueued})};
    pthread_atfork([] { for_each_pool(&HelperPool::before_fork); },
                   [] { for_each_pool(&HelperPool::after_fork); },
                   [] { for_each_pool(&HelperPool::restart_in_child); });
    return made;
  }();
  return pools[static_cast<std::size_t>(set)];
}

void for_each_pool(void (HelperPool::*act)() noexcept) noexcept {
  for (const HelperSet set : kAllHelperSets) (pool(set).*act)();
}

Channel<std::unique_ptr<HelperJob>> HelperPool::jobs_with_a_thread() {
  const SmallLockGuard guard(lock_);
  if (!jobs_.has_value()) jobs_.emplace(limits_.queued);
  ++pending_;
  if (idle_ >= pending_ || threads_ == limits_.threads) return *jobs_;
  try {
    const SignalsBlocked blocked;
    std::thread([this, jobs = *jobs_] { serve(jobs); }).detach();
    ++threads_;
    ++idle_;
  } catch (const std::exception&) {  // no thread, or no memory for one
    // Those that are there will do, unless each may be in a call that never ends.
    if (threads_ == 0 || is_unbounded()) {
      --pending_;
      throw;
    }
  }
  return *jobs_;
}

void HelperPool::serve(const Channel<std::unique_ptr<HelperJob>>& jobs) {
  // One that came with a crowd goes when it has had nothing to do for a while.
  const std::chrono::seconds patience(is_unbounded() ? 10 : 1'000'000'000);
  for (;;) {
    std::optional<std::unique_ptr<HelperJob>> job = jobs.try_receive_for(patience);
    {
      const SmallLockGuard guard(lock_);
      if (!job.has_value()) {
        if (pending_ != 0) continue;  // somebody counts on this thread
        --idle_;
        --threads_;
        return;
      }
      // Both at once: else one who submits would take this thread for idle.
      --idle_;
      --pending_;
    }
    jobs_taken_.fetch_add(1, std::memory_order_relaxed);
    (*job)->run();
    job.reset();
    const SmallLockGuard guard(lock_);
    ++idle_;
  }
}

}  // namespace

void set_offload_limits(const OffloadLimits& limits) {
  check(limits.threads > 0, "set_offload_limits: at least one thread is needed");
  pool(HelperSet::kGeneral).set_limits(limits);
}

std::size_t helper_jobs_under_way() noexcept {
  std::size_t jobs = 0;
  for (const HelperSet set : kAllHelperSets) jobs += pool(set).under_way();
  return jobs;
}

HelperFigures helper_figures(HelperSet set) noexcept {
  return pool(set).figures();
}

void submit_to_helper(std::unique_ptr<HelperJob> job, HelperSet set) {
  pool(set).submit(std::move(job));
}

}  // namespace colibri
