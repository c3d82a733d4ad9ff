#include "colibri/core/inspect/signal_choice.h"

#include "colibri/core/libc.h"

namespace colibri {
namespace {

bool has_handler(int signal, SignalChoice::Handler handler) noexcept {
  struct sigaction present {};
  return real::sigaction(signal, nullptr, &present) == 0 && present.sa_sigaction == handler;
}

bool is_free(int signal) noexcept {
  struct sigaction present {};
  return real::sigaction(signal, nullptr, &present) == 0 && present.sa_handler == SIG_DFL;
}

bool install(int signal, SignalChoice::Handler handler) noexcept {
  struct sigaction ours {};
  ours.sa_sigaction = handler;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigfillset(&ours.sa_mask);
  return real::sigaction(signal, &ours, nullptr) == 0;
}

}  // namespace

int SignalChoice::get(Handler handler) noexcept {
  const int present = signal_.load(std::memory_order_relaxed);
  if (present != 0 && has_handler(present, handler)) return present;
  for (int signal = SIGRTMAX; signal >= SIGRTMIN; --signal) {
    if (!is_free(signal) || !install(signal, handler)) continue;
    signal_.store(signal, std::memory_order_relaxed);
    return signal;
  }
  signal_.store(0, std::memory_order_relaxed);
  return 0;
}

}  // namespace colibri
