#include "colibri/core/inspect/stall_watch.h"

#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "colibri/core/clock.h"
#include "colibri/core/inspect/system_call_text.h"
#include "colibri/core/libc.h"
#include "colibri/core/log.h"
#include "colibri/core/probes.h"

namespace colibri {
namespace {

/// A machine with too much to do may take this long to run a signal's handler.
constexpr std::chrono::milliseconds kPatience{500};

/// The word of glibc's mutex that names its owner, behind that which is waited on; and what that
/// one contains while somebody waits.
constexpr std::size_t kOwnerOffset = 8;
constexpr std::uint64_t kContended = 2;

/// The thread that holds the lock which `call` waits for, if it is a mutex of glibc's and a thread
/// of this process holds it; 0 otherwise.
pid_t owner_of_lock(const SystemCall& call) noexcept {
  if (call.arguments[2] != kContended) return 0;
  pid_t owner = 0;
  const iovec local{&owner, sizeof owner};
  const iovec remote{reinterpret_cast<void*>(futex_of(call) + kOwnerOffset), sizeof owner};
  if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) != sizeof owner || owner <= 0) return 0;
  // Signal 0 only asks whether it is there.
  return real::syscall(SYS_tgkill, getpid(), owner, 0) == 0 ? owner : 0;
}

}  // namespace

void StallWatch::begin(std::int64_t limit, unsigned reports_per_minute) noexcept {
  limit_ = limit;
  reports_per_minute_ = reports_per_minute;
  // In the child of a fork: those of its parent.
  forget_ended({});
}

void StallWatch::look() {
  const std::vector<Glance> present = glance();
  forget_ended(present);
  for (const Glance& each : present) examine(watched_of(each.scheduler), each);
}

std::vector<StallWatch::Glance> StallWatch::glance() const {
  std::vector<Glance> present;
  present.reserve(watched_.size() + 1);
  for_each_scheduler([&](const ListedScheduler& each) {
    present.push_back(
        {each, each.run_queue->position_from_outside(), each.mailbox->inbox.is_asleep()});
  });
  return present;
}

StallWatch::Watched& StallWatch::watched_of(const ListedScheduler& scheduler) {
  for (const auto& each : watched_) {
    if (each->number == scheduler.number) return *each;
  }
  auto made = std::make_unique<Watched>(scheduler, limit_);
  const SmallLockGuard guard(lock_);
  watched_.push_back(std::move(made));
  return *watched_.back();
}

void StallWatch::forget_ended(const std::vector<Glance>& present) noexcept {
  const auto goes_on = [&](const std::unique_ptr<Watched>& watched) {
    return std::any_of(present.begin(), present.end(), [&](const Glance& each) {
      return each.scheduler.number == watched->number;
    });
  };
  for (;;) {
    // Its descriptors are closed outside the lock: a fork may hold the one that this takes already,
    // and wait for ours.
    std::unique_ptr<Watched> ended;
    const SmallLockGuard guard(lock_);
    const auto found = std::find_if_not(watched_.begin(), watched_.end(), goes_on);
    if (found == watched_.end()) return;
    ended = std::move(*found);
    watched_.erase(found);
  }
}

void StallWatch::examine(Watched& watched, const Glance& glance) {
  SliceJudge& judge = watched.judge;
  if (!judge.still_runs(glance.position, glance.asleep)) return;
  const ThreadTimes times = watched.files.times(glance.scheduler.cpu_clock);
  if (!judge.is_too_long(times)) return;
  Stall stall{.limit = limit_, .computed = judge.computed(), .blocked = judge.blocked()};
  switch (take_sample(watched, glance, stall, times.state)) {
    case SampleResult::kTaken:
      count_and_report(stall);
      return;
    case SampleResult::kOver:
      // It has ended just now; or what took so long was the loop, and a slice has yet to begin.
      judge.begin_again();
      return;
    case SampleResult::kNoAnswer:
      sites_.count_unknown();
      return;
  }
}

SampleResult StallWatch::take_sample(const Watched& watched, const Glance& glance, Stall& stall,
                                     char state) {
  sample_.thread = glance.scheduler.thread;
  sample_.position = glance.position;
  sample_.lock = 0;
  const std::optional<SystemCall> call = watched.files.system_call();
  if (call.has_value() && stall.blocked >= stall.computed) {
    stall.call = call;
    stall.lock = futex_of(*call);
    if (stall.lock != 0) stall.lock_owner = owner_of_lock(*call);
    if (stall.lock_owner == sample_.thread) sample_.lock = stall.lock;
  }
  // One in uninterruptible sleep would answer much later.
  if (call.has_value() && (state == 'D' || !restarts_after_signal(*call))) {
    return look_from_outside(watched, glance, *call);
  }
  const SampleResult result = ask_thread(sample_, kPatience);
  // It may block the signal.
  if (result == SampleResult::kNoAnswer && call.has_value()) {
    return look_from_outside(watched, glance, *call);
  }
  return result;
}

SampleResult StallWatch::look_from_outside(const Watched& watched, const Glance& glance,
                                           const SystemCall& call) {
  const SampleResult result = look_at_thread(sample_, glance.scheduler, call);
  // What was copied means something only if the thread has not moved meanwhile.
  return watched.files.system_call() == call ? result : SampleResult::kOver;
}

void StallWatch::count_and_report(const Stall& stall) {
  probe::stall(sample_.culprit.id, sample_.thread, stall.computed + stall.blocked);
  const std::uint64_t key = site_key(stall, sample_.culprit.stack);
  Backtrace culprit;
  std::string name;
  const bool is_new = !sites_.knows(key);
  if (is_new) {
    culprit = walk(sample_.culprit.stack);
    name = site_name(stall, culprit);
  }
  if (!sites_.count(key, name, monotonic_now(), reports_per_minute_)) return;
  if (!is_new) culprit = walk(sample_.culprit.stack);
  const std::string text = report_text(stall, sample_, culprit);
  const SmallLockGuard guard(lock_);
  log(LogLevel::kWarning, text);
}

}  // namespace colibri
