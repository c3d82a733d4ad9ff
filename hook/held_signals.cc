#include "colibri/hook/held_signals.h"

#include <array>
#include <cstdint>

#include "colibri/core/libc.h"

namespace colibri {
namespace {

struct HeldSignal {
  std::uint32_t waits = 0;  // of this thread's coroutines, for this signal
  bool was_open = false;
};

constinit thread_local std::array<HeldSignal, NSIG> held;

template <class Visit>
void for_each_signal(const sigset_t& set, Visit visit) noexcept {
  for (int signal = 1; signal < NSIG; ++signal) {
    if (sigismember(&set, signal) == 1) visit(signal, held[static_cast<std::size_t>(signal)]);
  }
}

}  // namespace

HeldSignals::HeldSignals(const sigset_t& set) noexcept : set_(set), own_(bits_of(set)) {
  if (own_.thread() != nullptr) {
    own_.thread()->signals.awaited = bits_of(set);
    return;
  }
  sigset_t before;
  real::pthread_sigmask(SIG_BLOCK, &set_, &before);
  for_each_signal(set_, [&](int signal, HeldSignal& each) {
    if (each.waits++ == 0) each.was_open = sigismember(&before, signal) == 0;
  });
}

HeldSignals::~HeldSignals() {
  if (own_.thread() != nullptr) {
    own_.thread()->signals.awaited = 0;
    return;
  }
  sigset_t open;
  sigemptyset(&open);
  for_each_signal(set_, [&](int signal, HeldSignal& each) {
    if (--each.waits == 0 && each.was_open) sigaddset(&open, signal);
  });
  real::pthread_sigmask(SIG_UNBLOCK, &open, nullptr);
}

}  // namespace colibri
