#include "colibri/core/offload.h"

#include <pthread.h>

#include <optional>
#include <system_error>
#include <thread>

#include "colibri/core/channel.h"
#include "colibri/core/check.h"

namespace colibri {
namespace {

/// Threads that take jobs from a channel, as plain threads. Never ends: threads may be in the midst
/// of a job when the process exits.
class HelperPool {
 public:
  void set_limits(const OffloadLimits& limits) {
    const SmallLockGuard guard(lock_);
    check(!jobs_.has_value(), "set_offload_limits called after the first offload");
    limits_ = limits;
  }

  void submit(std::unique_ptr<HelperJob> job) {
    const Channel<std::unique_ptr<HelperJob>> jobs = jobs_with_a_thread();
    if (!jobs.try_send(std::move(job))) {
      throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again),
                              "offload: too many calls wait for a helper thread");
    }
  }

  /// In the child of a fork: the threads stayed with the parent, and so do their jobs.
  void restart_in_child() noexcept {
    // Not destroyed: what waited on it has vanished in the midst of its waits.
    if (jobs_.has_value()) new Channel<std::unique_ptr<HelperJob>>(*jobs_);
    jobs_.reset();
    threads_ = idle_ = 0;
    lock_.unlock();
  }
  void before_fork() noexcept { lock_.lock(); }
  void after_fork() noexcept { lock_.unlock(); }

 private:
  Channel<std::unique_ptr<HelperJob>> jobs_with_a_thread();
  void serve(const Channel<std::unique_ptr<HelperJob>>& jobs);

  SmallLock lock_;  // over all that follows
  OffloadLimits limits_;
  std::optional<Channel<std::unique_ptr<HelperJob>>> jobs_;
  std::size_t threads_ = 0;
  std::size_t idle_ = 0;
};

HelperPool& pool() {
  static HelperPool& instance = *[] {
    auto* made = new HelperPool;
    pthread_atfork([] { pool().before_fork(); }, [] { pool().after_fork(); },
                   [] { pool().restart_in_child(); });
    return made;
  }();
  return instance;
}

Channel<std::unique_ptr<HelperJob>> HelperPool::jobs_with_a_thread() {
  const SmallLockGuard guard(lock_);
  if (!jobs_.has_value()) jobs_.emplace(limits_.queued);
  if (idle_ > jobs_->size() || threads_ == limits_.threads) return *jobs_;
  try {
    std::thread([this, jobs = *jobs_] { serve(jobs); }).detach();
    ++threads_;
  } catch (const std::system_error&) {
    if (threads_ == 0) throw;  // otherwise those that are there will do
  }
  return *jobs_;
}

void HelperPool::serve(const Channel<std::unique_ptr<HelperJob>>& jobs) {
  for (;;) {
    {
      const SmallLockGuard guard(lock_);
      ++idle_;
    }
    std::optional<std::unique_ptr<HelperJob>> job = jobs.receive();
    {
      const SmallLockGuard guard(lock_);
      --idle_;
    }
    (*job)->run();
  }
}

}  // namespace

void set_offload_limits(const OffloadLimits& limits) {
  check(limits.threads > 0, "set_offload_limits: at least one thread is needed");
  pool().set_limits(limits);
}

void submit_to_helper(std::unique_ptr<HelperJob> job) {
  pool().submit(std::move(job));
}

}  // namespace colibri
