#include "colibri/core/inspect/watchdog.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "colibri/core/bypass.h"
#include "colibri/core/clock.h"
#include "colibri/core/inspect/kernel_state.h"
#include "colibri/core/inspect/slice_judge.h"
#include "colibri/core/inspect/stall_report.h"
#include "colibri/core/inspect/stall_sample.h"
#include "colibri/core/inspect/system_call_text.h"
#include "colibri/core/libc.h"
#include "colibri/core/log.h"
#include "colibri/core/scheduler_list.h"

namespace colibri {
namespace {

constexpr std::chrono::nanoseconds kSmallestLimit = std::chrono::milliseconds(1);
constexpr std::int64_t kLooksWithinLimit = 4;
/// A machine with too much to do may take this long to run a signal's handler.
constexpr std::chrono::milliseconds kPatience{500};

/// What is seen of a scheduler in passing.
struct Glance {
  ListedScheduler scheduler;
  std::size_t position = 0;
  bool asleep = false;
};

/// What is remembered of it from look to look.
struct Watched {
  Watched(const ListedScheduler& scheduler, std::int64_t limit)
      : number(scheduler.number),
        files(scheduler.thread),
        judge(limit, limit / kLooksWithinLimit) {}

  std::uint64_t number;
  ThreadFiles files;
  SliceJudge judge;
};

/// The word of glibc's mutex that names its owner, behind that which is waited on.
constexpr std::size_t kOwnerOffset = 8;

/// The thread that holds the lock at `address`, if it is a mutex of glibc's and a thread of this
/// process holds it; 0 otherwise.
pid_t owner_of_lock(std::uintptr_t address) noexcept {
  pid_t owner = 0;
  const iovec local{&owner, sizeof owner};
  const iovec remote{reinterpret_cast<void*>(address + kOwnerOffset), sizeof owner};
  if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) != sizeof owner || owner <= 0) return 0;
  // Signal 0 only asks whether it is there.
  return real::syscall(SYS_tgkill, getpid(), owner, 0) == 0 ? owner : 0;
}

/// The watchdog of the process and its thread:
///
///   kStopped ──start──▶ kRunning ──stop──▶ kStopping ──the thread's last act──▶ kStopped
///   any ──in the child of a fork──▶ kStopped
class Watchdog {
 public:
  static Watchdog& instance();

  void start(const WatchdogOptions& options);
  void stop() noexcept;
  /// A scheduler begins: starts again in a forked child where it was wanted before the fork.
  void start_if_wanted();
  void summarise() const;
  std::vector<StallSite> sites() const { return sites_.list(); }

 private:
  enum State : std::uint32_t { kStopped, kRunning, kStopping };

  void stop_thread() noexcept;
  void watch() noexcept;
  void look();
  std::vector<Glance> glance() const;
  Watched& watched_of(const ListedScheduler& scheduler);
  void forget_ended(const std::vector<Glance>& present) noexcept;
  void examine(Watched& watched, const Glance& glance);
  SampleResult take_sample(const Watched& watched, const Glance& glance, Stall& stall, char state);
  SampleResult look_from_outside(const Watched& watched, const Glance& glance,
                                 const SystemCall& call);
  void count_and_report(const Stall& stall);
  void sleep(std::int64_t nanoseconds) noexcept;
  void set_state(State state) noexcept;

  SmallLock control_lock_;  // over start and stop
  std::atomic<std::uint32_t> state_{kStopped};
  WatchdogOptions options_;
  std::atomic<bool> wanted_{false};
  StallSites sites_;

  // The thread's own; the lock is for forks, which must not find the list half changed.
  SmallLock watched_lock_;
  std::vector<std::unique_ptr<Watched>> watched_;
  StallSample sample_;
};

Watchdog& Watchdog::instance() {
  // Leaked: its thread may run until the very end.
  static auto* const watchdog = [] {
    auto* made = new Watchdog;
    const auto in_child = [] {
      Watchdog& inherited = instance();
      inherited.watched_lock_.unlock();
      inherited.control_lock_.unlock();
      inherited.state_.store(kStopped);
      forget_samples_in_child();
    };
    pthread_atfork(
        [] {
          instance().control_lock_.lock();
          instance().watched_lock_.lock();
        },
        [] {
          instance().watched_lock_.unlock();
          instance().control_lock_.unlock();
        },
        in_child);
    return made;
  }();
  return *watchdog;
}

void Watchdog::start(const WatchdogOptions& options) {
  if (options.limit < kSmallestLimit) {
    throw std::invalid_argument("a watchdog's limit must be a millisecond or more");
  }
  const Bypass bypass;
  const SmallLockGuard guard(control_lock_);
  stop_thread();
  options_ = options;
  sites_.clear();
  watched_.clear();
  wanted_.store(true);
  state_.store(kRunning);
  // The program's signals are not for its thread.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  real::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::thread([this] { watch(); }).detach();
  } catch (...) {
    state_.store(kStopped);
    real::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  real::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Watchdog::stop() noexcept {
  const SmallLockGuard guard(control_lock_);
  wanted_.store(false);
  stop_thread();
}

void Watchdog::start_if_wanted() {
  if (wanted_.load() && state_.load() == kStopped) start(WatchdogOptions(options_));
}

void Watchdog::stop_thread() noexcept {
  if (state_.load() == kStopped) return;
  set_state(kStopping);
  while (state_.load() == kStopping) {
    real::syscall(SYS_futex, &state_, FUTEX_WAIT_PRIVATE, kStopping, nullptr, nullptr, 0);
  }
}

void Watchdog::set_state(State state) noexcept {
  state_.store(state);
  real::syscall(SYS_futex, &state_, FUTEX_WAKE_PRIVATE, 2, nullptr, nullptr, 0);
}

void Watchdog::summarise() const {
  if (state_.load() != kRunning) return;
  for (const StallSite& site : sites_.list()) {
    log(LogLevel::kWarning, "watchdog: " + std::to_string(site.count) +
                                (site.count == 1 ? " slice was" : " slices were") + " too long, " +
                                site.place);
  }
}

// The thread -------------------------------------------------------------------------------------

void Watchdog::watch() noexcept {
  pthread_setname_np(pthread_self(), "watchdog");
  while (state_.load() == kRunning) {
    try {
      look();
    } catch (const std::exception&) {
      // No memory for it, or no descriptor: perhaps at the next look.
    }
    sleep(options_.limit.count() / kLooksWithinLimit);
  }
  forget_ended({});
  set_state(kStopped);
}

void Watchdog::sleep(std::int64_t nanoseconds) noexcept {
  constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
  const timespec timeout{nanoseconds / kNanosecondsPerSecond, nanoseconds % kNanosecondsPerSecond};
  real::syscall(SYS_futex, &state_, FUTEX_WAIT_PRIVATE, kRunning, &timeout, nullptr, 0);
}

void Watchdog::look() {
  const std::vector<Glance> present = glance();
  forget_ended(present);
  for (const Glance& each : present) examine(watched_of(each.scheduler), each);
}

std::vector<Glance> Watchdog::glance() const {
  std::vector<Glance> present;
  present.reserve(watched_.size() + 1);
  for_each_scheduler([&](const ListedScheduler& each) {
    present.push_back(
        {each, each.run_queue->position_from_outside(), each.mailbox->inbox.is_asleep()});
  });
  return present;
}

Watched& Watchdog::watched_of(const ListedScheduler& scheduler) {
  for (const auto& each : watched_) {
    if (each->number == scheduler.number) return *each;
  }
  auto made = std::make_unique<Watched>(scheduler, options_.limit.count());
  const SmallLockGuard guard(watched_lock_);
  watched_.push_back(std::move(made));
  return *watched_.back();
}

void Watchdog::forget_ended(const std::vector<Glance>& present) noexcept {
  const auto has_ended = [&](const std::unique_ptr<Watched>& watched) {
    for (const Glance& each : present) {
      if (each.scheduler.number == watched->number) return false;
    }
    return true;
  };
  const SmallLockGuard guard(watched_lock_);
  std::erase_if(watched_, has_ended);
}

void Watchdog::examine(Watched& watched, const Glance& glance) {
  SliceJudge& judge = watched.judge;
  if (!judge.still_runs(glance.position, glance.asleep)) return;
  const ThreadTimes times = watched.files.times(glance.scheduler.cpu_clock);
  if (!judge.is_too_long(times)) return;
  Stall stall{
      .limit = options_.limit.count(), .computed = judge.computed(), .blocked = judge.blocked()};
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

SampleResult Watchdog::take_sample(const Watched& watched, const Glance& glance, Stall& stall,
                                   char state) {
  sample_.thread = glance.scheduler.thread;
  sample_.position = glance.position;
  sample_.lock = 0;
  const std::optional<SystemCall> call = watched.files.system_call();
  if (call.has_value() && stall.blocked >= stall.computed) {
    stall.call = call;
    stall.lock = futex_of(*call);
    if (stall.lock != 0) stall.lock_owner = owner_of_lock(stall.lock);
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

SampleResult Watchdog::look_from_outside(const Watched& watched, const Glance& glance,
                                         const SystemCall& call) {
  const SampleResult result = look_at_thread(sample_, glance.scheduler, call);
  // What was copied means something only if the thread has not moved meanwhile.
  return watched.files.system_call() == call ? result : SampleResult::kOver;
}

void Watchdog::count_and_report(const Stall& stall) {
  const std::uint64_t key = site_key(stall, sample_.culprit.stack);
  Backtrace culprit;
  std::string name;
  const bool is_new = !sites_.knows(key);
  if (is_new) {
    culprit = walk(sample_.culprit.stack);
    name = site_name(stall, culprit);
  }
  if (!sites_.count(key, name, monotonic_now(), options_.reports_per_minute)) return;
  if (!is_new) culprit = walk(sample_.culprit.stack);
  log(LogLevel::kWarning, report_text(stall, sample_, culprit));
}

// The environment --------------------------------------------------------------------------------

constexpr const char* kVariable = "COLIBRI_WATCHDOG";

void start_by_environment() {
  const char* text = std::getenv(kVariable);
  if (text == nullptr || *text == '\0') return;
  try {
    Watchdog::instance().start(WatchdogOptions::parse(text));
  } catch (const std::exception& error) {
    log(LogLevel::kError, std::string(kVariable) + ": " + error.what());
  }
}

void on_scheduler_begun() noexcept {
  static const bool asked = [] {
    start_by_environment();
    return true;
  }();
  static_cast<void>(asked);
  try {
    Watchdog::instance().start_if_wanted();
  } catch (const std::exception& error) {
    log(LogLevel::kError, std::string("the watchdog could not be started: ") + error.what());
  }
}

void on_all_ended() noexcept {
  try {
    Watchdog::instance().summarise();
  } catch (const std::exception&) {
  }
}

constinit SchedulerObserver observer{&on_scheduler_begun, &on_all_ended};

// Programs that want no watchdog have no thread and no observer.
[[maybe_unused]] const bool observing = [] {
  if (std::getenv(kVariable) != nullptr) observe_schedulers(observer);
  return true;
}();

}  // namespace

WatchdogOptions WatchdogOptions::parse(std::string_view text) {
  std::int64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit = text.substr(static_cast<std::size_t>(rest - text.data()));
  const std::int64_t scale = unit == "us" ? 1'000 : unit == "ms" ? 1'000'000 : 1'000'000'000;
  constexpr std::int64_t kMostSeconds = 1'000'000;
  const bool understood = error == std::errc() && (unit == "us" || unit == "ms" || unit == "s") &&
                          number > 0 && number <= kMostSeconds;
  if (!understood) {
    throw std::invalid_argument(
        "\"" + std::string(text) +
        "\" is no limit of a watchdog; write \"10ms\", \"500us\" or \"2s\"");
  }
  return {.limit = std::chrono::nanoseconds(number * scale)};
}

void start_watchdog(const WatchdogOptions& options) {
  Watchdog::instance().start(options);
  observe_schedulers(observer);
}

void stop_watchdog() noexcept {
  Watchdog::instance().stop();
}

std::vector<StallSite> stall_sites() {
  return Watchdog::instance().sites();
}

}  // namespace colibri
