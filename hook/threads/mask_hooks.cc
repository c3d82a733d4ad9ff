// pthread_sigmask, sigprocmask, sigpending and their older kind: a thread that is a coroutine has a
// mask and pending signals of its own.
#include <pthread.h>
#include <signal.h>

#include <cerrno>

#include "colibri/core/libc.h"
#include "colibri/hook/blocking_call.h"
#include "colibri/hook/own_code.h"
#include "colibri/hook/threads/signal_delivery.h"

namespace colibri {
namespace {

constinit RealFunction real_process_mask{"sigprocmask", ::sigprocmask};
constinit RealFunction real_pending{"sigpending", ::sigpending};

/// What programs may keep away: not those that nobody can, nor the two that libc keeps for itself.
constexpr SignalBits kMaskable =
    ~(signal_bit(SIGKILL) | signal_bit(SIGSTOP) | signal_bit(32) | signal_bit(33));

/// The thread whose mask is its own. In a handler, whose mask ends with it, that is the kernel's.
EmulatedThread* owner_of_mask(const void* caller) noexcept {
  EmulatedThread* const self = EmulatedThread::current();
  if (self == nullptr || is_colibris_own(caller)) return nullptr;
  const bool outside_handlers =
      parkable_coroutine() != nullptr ||
      (thread_state.current->bypass_depth & ControlBlock::kInHandler) == 0;
  return outside_handlers ? self : nullptr;
}

int change_mask(EmulatedThread& self, int how, const sigset_t* set, sigset_t* old) noexcept {
  const SignalBits before = self.signals.mask;
  if (set != nullptr) {
    const SignalBits given = bits_of(*set) & kMaskable;
    switch (how) {
      case SIG_BLOCK:
        signal_delivery::set_mask(self, before | given);
        break;
      case SIG_UNBLOCK:
        signal_delivery::set_mask(self, before & ~given);
        break;
      case SIG_SETMASK:
        signal_delivery::set_mask(self, given);
        break;
      default:
        return EINVAL;
    }
  }
  if (old != nullptr) *old = set_of(before);
  return 0;
}

int change_one(int how, int signal, const void* caller) noexcept {
  sigset_t set;
  sigemptyset(&set);
  if (sigaddset(&set, signal) != 0) return -1;
  EmulatedThread* const self = owner_of_mask(caller);
  if (self == nullptr) return real_process_mask(how, &set, nullptr);
  return change_mask(*self, how, &set, nullptr);
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int pthread_sigmask(int how, const sigset_t* set, sigset_t* old) noexcept {
  EmulatedThread* const self = owner_of_mask(__builtin_return_address(0));
  return self != nullptr ? change_mask(*self, how, set, old) : real::pthread_sigmask(how, set, old);
}

int sigprocmask(int how, const sigset_t* set, sigset_t* old) noexcept {
  EmulatedThread* const self = owner_of_mask(__builtin_return_address(0));
  if (self == nullptr) return real_process_mask(how, set, old);
  const int error = change_mask(*self, how, set, old);
  return error == 0 ? 0 : fail_with_errno(error);
}

int sighold(int signal) noexcept {
  return change_one(SIG_BLOCK, signal, __builtin_return_address(0));
}

int sigrelse(int signal) noexcept {
  return change_one(SIG_UNBLOCK, signal, __builtin_return_address(0));
}

int sigpending(sigset_t* set) noexcept {
  const int result = real_pending(set);
  const EmulatedThread* const self = EmulatedThread::current();
  if (result == 0 && self != nullptr) *set = set_of(bits_of(*set) | self->signals.pending.load());
  return result;
}

}  // extern "C"
