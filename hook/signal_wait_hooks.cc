// sigwait, sigwaitinfo, sigtimedwait, pause, sigsuspend: the coroutine waits, and not its thread.
//
// The first three ask the kernel without waiting. Where the signal has not come yet, a descriptor
// of signalfd tells when it is worth asking again: the kernel makes it readable for what is pending
// for the thread or for the process. So it is the coroutine itself that takes the signal, by libc's
// own call, and one that is given up takes none.
//
// pause and sigsuspend wait for a handler: the scheduler tells when one has run.
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <utility>

#include "colibri/core/internal_descriptor.h"
#include "colibri/hook/counted_call.h"
#include "colibri/hook/held_signals.h"
#include "colibri/hook/program_memory.h"
#include "colibri/hook/waiting_call.h"

namespace colibri {
namespace {

constinit RealFunction real_sigwait{"sigwait", ::sigwait};
constinit RealFunction real_sigwaitinfo{"sigwaitinfo", ::sigwaitinfo};
constinit RealFunction real_sigsuspend{"sigsuspend", ::sigsuspend};
constinit RealFunction real_pause{"pause", ::pause};
constinit RealFunction real_signalfd{"signalfd", ::signalfd};

/// Tells when one of some signals has come. In the heap, since others walk the list of descriptors.
class SignalBell {
 public:
  /// Without a descriptor or memory it rings every 5 ms.
  explicit SignalBell(const sigset_t& set) noexcept {
    try {
      auto descriptor = std::make_unique<InternalDescriptor>();
      descriptor->adopt(real_signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC), "signalfd");
      descriptor_ = std::move(descriptor);
    } catch (const std::exception&) {
    }
  }
  ~SignalBell() {
    if (descriptor_ == nullptr) return;
    const int last = descriptor_->number();
    EventLoop::detach_everywhere(last);
    descriptor_->reset();
    EventLoop::closed_everywhere(last);
  }
  SignalBell(const SignalBell&) = delete;
  SignalBell& operator=(const SignalBell&) = delete;

  /// kFired: ask again. Otherwise why the wait has ended.
  WakeReason wait(WaitLimits limits) noexcept {
    if (descriptor_ == nullptr) return wait_a_moment(limits);
    const WakeReason reason = wait_ready(descriptor_->number(), Direction::kRead, limits);
    if (reason != WakeReason::kClosed) return reason;
    // Closed behind our back.
    descriptor_ = nullptr;
    return WakeReason::kFired;
  }

 private:
  static WakeReason wait_a_moment(WaitLimits limits) noexcept {
    const Deadline moment = Deadline::after(std::chrono::milliseconds(5));
    const WakeReason reason =
        thread_state.scheduler->park({.deadline = std::min(moment, limits.deadline),
                                      .interruptible = limits.interruptible,
                                      .never_restarts = limits.never_restarts});
    return reason == WakeReason::kTimeout && moment < limits.deadline ? WakeReason::kFired : reason;
  }

  std::unique_ptr<InternalDescriptor> descriptor_;
};

/// One try: the signal, or -1 with EAGAIN while there is none.
int take_signal(const sigset_t* set, siginfo_t* info) noexcept {
  if (const int own = signal_delivery::take(set, info); own != 0) return own;
  constexpr timespec kAtOnce{};
  return real::sigtimedwait(set, info, &kAtOnce);
}

/// After a try that found none.
[[gnu::noinline]] int wait_for_signal(const sigset_t* set, siginfo_t* info, WaitLimits limits) {
  const HeldSignals held(*set);
  SignalBell bell(*set);
  for (;;) {
    const WakeReason reason = bell.wait(limits);
    // As in the kernel: a signal that has come goes before what else ends the wait.
    const int signal = take_signal(set, info);
    if (signal >= 0 || errno != EAGAIN) return signal;
    if (reason != WakeReason::kFired) return fail_with_errno(error_of(reason));
  }
}

int hooked_sigtimedwait(const sigset_t* set, siginfo_t* info, WaitLimits limits) {
  const KeptErrno kept;
  if (!may_begin()) return -1;
  int signal = take_signal(set, info);
  if (signal < 0 && errno == EAGAIN) signal = wait_for_signal(set, info, limits);
  return static_cast<int>(kept(signal));
}

/// As ppoll of nothing: lets in at once what `mask` lets in and has come, and waits for a handler.
[[gnu::noinline]] int wait_for_handler(const sigset_t& mask) {
  const MaskedWaitScope masked(&mask, true);
  WakeReason reason = WakeReason::kTimeout;
  while (reason == WakeReason::kTimeout || reason == WakeReason::kFired) {
    reason = thread_state.scheduler->park({.interruptible = true, .never_restarts = true});
  }
  return fail_with_errno(error_of(reason));
}

int hooked_sigwait(const sigset_t* set, int* signal) {
  const int saved_errno = errno;
  const int result = hooked_sigtimedwait(set, nullptr, {});
  if (result < 0) return std::exchange(errno, saved_errno);
  *signal = result;
  return 0;
}

int hooked_pause() {
  if (!may_begin()) return -1;
  sigset_t mask;
  real::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  return wait_for_handler(mask);
}

int hooked_sigsuspend(const sigset_t* mask) {
  if (!may_begin()) return -1;
  constexpr timespec kAtOnce{};
  if (real::ppoll(nullptr, 0, &kAtOnce, mask) < 0) {
    // What was held back has interrupted this call, and is to interrupt no other.
    if (errno == EINTR) thread_state.scheduler->forget_interrupt();
    return -1;
  }
  if (signal_delivery::let_in(*mask)) return fail_with_errno(EINTR);
  return wait_for_handler(*mask);
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int sigtimedwait(const sigset_t* set, siginfo_t* info, const timespec* timeout) {
  const auto plain = [&] { return real::sigtimedwait(set, info, timeout); };
  if (parkable_coroutine() == nullptr) return plain();
  timespec time{};
  if (timeout != nullptr && (!read_argument(time, timeout) || !is_valid_timeout(time))) {
    return pass_through(plain);
  }
  if (timeout != nullptr && time.tv_sec == 0 && time.tv_nsec == 0) {
    return pass_through([&] { return take_signal(set, info); });
  }
  const Patience patience = Patience::of(timeout != nullptr ? &time : nullptr, nullptr);
  return counted<"sigtimedwait">(
      &hooked_sigtimedwait, set, info,
      WaitLimits{.deadline = patience.deadline, .interruptible = true, .never_restarts = true});
}

int sigwaitinfo(const sigset_t* set, siginfo_t* info) {
  if (parkable_coroutine() == nullptr) return real_sigwaitinfo(set, info);
  return counted<"sigwaitinfo">(&hooked_sigtimedwait, set, info,
                                WaitLimits{.interruptible = true, .never_restarts = true});
}

// Handlers do not end it: libc goes on waiting, too.
int sigwait(const sigset_t* set, int* signal) {
  if (parkable_coroutine() == nullptr) return real_sigwait(set, signal);
  return counted<"sigwait">(&hooked_sigwait, set, signal);
}

int pause() {
  if (parkable_coroutine() == nullptr) return real_pause();
  return counted<"pause">(&hooked_pause);
}

int sigsuspend(const sigset_t* mask) {
  if (parkable_coroutine() == nullptr) return real_sigsuspend(mask);
  return counted<"sigsuspend">(&hooked_sigsuspend, mask);
}

}  // extern "C"
