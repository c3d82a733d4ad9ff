#include "colibri/core/inspect/watchdog.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>

#include "colibri/core/bypass.h"
#include "colibri/core/inspect/stall_watch.h"
#include "colibri/core/libc.h"
#include "colibri/core/log.h"
#include "colibri/core/scheduler_list.h"
#include "colibri/core/signals_blocked.h"

namespace colibri {
namespace {

constexpr std::chrono::nanoseconds kSmallestLimit = std::chrono::milliseconds(1);

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

  void before_fork() noexcept;
  void after_fork() noexcept;
  void restart_in_child() noexcept;
  void stop_thread() noexcept;
  void watch() noexcept;
  void sleep(std::int64_t nanoseconds) noexcept;
  void set_state(State state) noexcept;

  SmallLock control_lock_;  // over start and stop
  std::atomic<std::uint32_t> state_{kStopped};
  WatchdogOptions options_;
  std::atomic<bool> wanted_{false};
  StallSites sites_;
  StallWatch watch_{sites_};  // the thread's own
};

Watchdog& Watchdog::instance() {
  // Leaked: its thread may run until the very end.
  static auto* const watchdog = [] {
    auto* made = new Watchdog;
    pthread_atfork([] { instance().before_fork(); }, [] { instance().after_fork(); },
                   [] { instance().restart_in_child(); });
    return made;
  }();
  return *watchdog;
}

void Watchdog::before_fork() noexcept {
  control_lock_.lock();
  watch_.lock();
  sites_.lock();
}

void Watchdog::after_fork() noexcept {
  sites_.unlock();
  watch_.unlock();
  control_lock_.unlock();
}

void Watchdog::restart_in_child() noexcept {
  state_.store(kStopped);
  forget_samples_in_child();
  after_fork();
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
  watch_.begin(options.limit.count(), options.reports_per_minute);
  wanted_.store(true);
  state_.store(kRunning);
  try {
    const SignalsBlocked blocked;
    std::thread([this] { watch(); }).detach();
  } catch (...) {
    state_.store(kStopped);
    throw;
  }
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

void Watchdog::watch() noexcept {
  pthread_setname_np(pthread_self(), "watchdog");
  while (state_.load() == kRunning) {
    try {
      watch_.look();
    } catch (const std::exception&) {
      // No memory for it, or no descriptor: perhaps at the next look.
    }
    sleep(options_.limit.count() / StallWatch::kLooksWithinLimit);
  }
  watch_.end();
  set_state(kStopped);
}

void Watchdog::sleep(std::int64_t nanoseconds) noexcept {
  constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
  const timespec timeout{nanoseconds / kNanosecondsPerSecond, nanoseconds % kNanosecondsPerSecond};
  real::syscall(SYS_futex, &state_, FUTEX_WAIT_PRIVATE, kRunning, &timeout, nullptr, 0);
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
        "\" is no limit of a watchdog; write \"10ms\", \"1500us\" or \"2s\"");
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
