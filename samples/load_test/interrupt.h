// SIGINT and SIGTERM end the run early, with the results so far; a second one kills.
#pragma once

#include <atomic>
#include <csignal>

namespace load_test {

namespace detail {
inline std::atomic<bool> signal_came{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler writes it");
}  // namespace detail

inline bool interrupted() {
  return detail::signal_came.load(std::memory_order_relaxed);
}

inline void handle_interrupts() {
  struct sigaction action {};
  action.sa_handler = [](int) { detail::signal_came.store(true, std::memory_order_relaxed); };
  action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace load_test
