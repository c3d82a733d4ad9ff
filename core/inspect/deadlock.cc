#include "colibri/core/inspect/deadlock.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/single_threaded.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>
#include <string_view>

#include "colibri/core/clock.h"
#include "colibri/core/inspect/awaited.h"
#include "colibri/core/inspect/dump.h"
#include "colibri/core/inspect/why.h"
#include "colibri/core/inspection_calls.h"
#include "colibri/core/libc.h"

namespace colibri {
namespace {

constexpr std::int64_t kForEver = -1;

/// True if only other coroutines, or threads, can wake it.
bool is_stuck(const ControlBlock& coroutine) {
  const ControlBlock& leaf = leaf_of(coroutine);
  if (leaf.state != CoroutineState::kParked || leaf.timer_armed) return false;
  if (leaf.wait_kind != WaitKind::kJoin && !waits_in_queue(leaf)) return false;
  const std::vector<Awaited> awaited = awaited_by(leaf);
  return !awaited.empty() && std::all_of(awaited.begin(), awaited.end(),
                                         [](const Awaited& each) { return each.by_flows_alone; });
}

bool all_are_stuck(Scheduler& scheduler) {
  const ControlBlock* each = &scheduler.newest();
  while (each != nullptr && is_stuck(*each)) each = each->next_alive;
  return each == nullptr;
}

/// A number from /proc/self/status; `otherwise` if it is not there.
std::uint64_t status_number(std::string_view status, std::string_view key, int base,
                            std::uint64_t otherwise) noexcept {
  const std::size_t line = status.find(key);
  if (line == std::string_view::npos) return otherwise;
  const std::size_t begin = status.find_first_not_of(" \t", line + key.size());
  std::uint64_t value = otherwise;
  if (begin != std::string_view::npos) {
    std::from_chars(status.data() + begin, status.data() + status.size(), value, base);
  }
  return value;
}

std::uint64_t bits_of(std::initializer_list<int> signals) noexcept {
  std::uint64_t bits = 0;
  for (const int signal : signals) bits |= std::uint64_t{1} << (signal - 1);
  return bits;
}

/// Neither another thread of the process nor a signal handler could wake anybody.
bool is_alone() noexcept {
  char text[4096];
  const int file = real::open("/proc/self/status", O_RDONLY | O_CLOEXEC, 0);
  if (file < 0) return false;
  const ssize_t size = real::read(file, text, sizeof text);
  real::close(file);
  if (size <= 0) return false;
  const std::string_view status(text, static_cast<std::size_t>(size));
  const std::uint64_t caught = status_number(status, "\nSigCgt:", 16, ~std::uint64_t{0});
  // Their handlers, ours and the sanitizers', report what the code itself has done.
  const std::uint64_t of_faults =
      bits_of({SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS});
  return status_number(status, "\nThreads:", 10, 0) == 1 && (caught & ~of_faults) == 0;
}

[[noreturn]] void report_deadlock() {
  std::ostringstream text;
  text << "colibri: all coroutines are asleep - deadlock!\n";
  for (const WaitChain& cycle : find_cycles()) text << '\n' << to_string(cycle);
  text << '\n';
  dump(text, {.slice = static_cast<std::size_t>(-1)});
  const std::string all = text.str();
  std::string_view left = all;
  while (!left.empty()) {
    const ssize_t written = real::write(2, left.data(), left.size());
    if (written <= 0) break;
    left.remove_prefix(static_cast<std::size_t>(written));
  }
  _exit(2);
}

/// When this thread may judge next. A judgement may look at very many coroutines, and be in vain
/// since one of them waits for a descriptor: so it takes little of the time, however often the
/// thread sleeps.
constinit thread_local std::int64_t judge_at = 0;
constexpr std::int64_t kShareOfTime = 64;

std::int64_t judge(Scheduler& scheduler) {
  if (scheduler.alive() == 0) return kForEver;
  const std::int64_t begin = monotonic_now();
  if (begin < judge_at) return judge_at - begin;
  bool stuck = false;
  try {
    stuck = all_are_stuck(scheduler);
    if (stuck && is_alone()) report_deadlock();
  } catch (...) {
    // Without memory nothing is known.
  }
  const std::int64_t end = monotonic_now();
  judge_at = end + (end - begin) * kShareOfTime;
  // Who wakes somebody lets the thread sleep once more afterwards, and be judged again.
  return kForEver;
}

[[maybe_unused]] const bool watched_from_the_start = [] {
  const char* wish = std::getenv("COLIBRI_DEADLOCK");
  const bool on = wish == nullptr || std::string_view(wish) != "0";
  watch_for_deadlocks(on);
  return on;
}();

}  // namespace

void watch_for_deadlocks(bool on) noexcept {
  inspection_calls.before_endless_sleep.store(on ? &judge : nullptr);
}

}  // namespace colibri
