#include "colibri/net/stop_signals.h"

#include <atomic>
#include <thread>

#include "colibri/core/check.h"
#include "colibri/core/libc.h"
#include "colibri/net/net_error.h"
#include "colibri/net/socket_call.h"

namespace colibri {
namespace {

/// What the handler writes to; -1: nobody is to be told.
constinit std::atomic<int> told{-1};
/// Handlers that may be writing there, on whatever threads.
constinit std::atomic<int> telling{0};

void tell(int /*signal*/) {
  const int saved_errno = errno;
  const std::uint64_t one = 1;
  ++telling;
  const int event = told.load();
  if (event >= 0) {
    [[maybe_unused]] const ssize_t written = real::write(event, &one, sizeof one);
  }
  --telling;
  errno = saved_errno;
}

}  // namespace

StopSignals::StopSignals(std::span<const int> signals)
    : event_(real::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!event_.is_open()) net_detail::throw_error(errno, "make an event for signals");
  check(told.load() < 0, "a second StopSignals; a process has one at a time");
  // Looked up here, since the handler may be the first to write.
  real::write.get();
  told.store(event_.number());
  for (const int signal : signals) {
    struct sigaction action {};
    action.sa_handler = &tell;
    action.sa_flags = SA_RESTART | SA_ONSTACK;
    struct sigaction previous {};
    if (real::sigaction(signal, &action, &previous) != 0) {
      const int error = errno;
      restore();
      net_detail::throw_error(error, "handle signal " + std::to_string(signal));
    }
    previous_.emplace(signal, previous);
  }
}

StopSignals::~StopSignals() {
  restore();
}

void StopSignals::restore() noexcept {
  for (const auto& [signal, action] : previous_) real::sigaction(signal, &action, nullptr);
  told.store(-1);
  // One that has begun on another thread must not find the number to be somebody else's.
  while (telling.load() != 0) std::this_thread::yield();
}

void StopSignals::wait() {
  std::uint64_t count = 0;
  const ssize_t size = net_detail::socket_call(
      [this] { return event_.number(); }, Direction::kRead, net_detail::CallDeadline(),
      [&] { return real::read(event_.number(), &count, sizeof count); });
  if (size < 0) net_detail::throw_error(errno, "wait for a signal");
}

}  // namespace colibri
