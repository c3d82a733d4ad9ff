// raise, pthread_kill, pthread_sigqueue and tgkill, to a thread that is a coroutine.
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "colibri/core/libc.h"
#include "colibri/hook/blocking_call.h"
#include "colibri/hook/threads/signal_delivery.h"

namespace colibri {
namespace {

constinit RealFunction real_self{"pthread_self", ::pthread_self};
constinit RealFunction real_kill{"pthread_kill", ::pthread_kill};
constinit RealFunction real_queue{"pthread_sigqueue", ::pthread_sigqueue};
constinit RealFunction real_raise{"raise", ::raise};
constinit RealFunction real_tgkill{"tgkill", ::tgkill};

/// Between these libc keeps some for itself.
constexpr int kLastStandard = 31;

bool is_signal(int number) noexcept {
  return number >= 0 && number < NSIG && (number <= kLastStandard || number >= SIGRTMIN);
}

siginfo_t from_this_process(int signal, int code) noexcept {
  siginfo_t info{};
  info.si_signo = signal;
  info.si_code = code;
  info.si_pid = getpid();
  info.si_uid = getuid();
  return info;
}

int signal_thread(EmulatedThread& thread, const siginfo_t& info) noexcept {
  const auto state = thread.state.load();
  if (state == EmulatedThread::State::kFree) return ESRCH;
  if (!is_signal(info.si_signo)) return EINVAL;
  if (state == EmulatedThread::State::kEnded || info.si_signo == 0) return 0;
  // Nobody keeps these away, and they are for the whole process.
  if (info.si_signo == SIGKILL || info.si_signo == SIGSTOP) {
    return real_kill(real_self(), info.si_signo);
  }
  return signal_delivery::send(thread, info);
}

/// Of this process; null if it is none of ours.
EmulatedThread* find_by_number(pid_t number) noexcept {
  struct Search {
    const pid_t number;
    EmulatedThread* found = nullptr;
  } search{number};
  emulated_threads::for_each([&search](EmulatedThread& each) {
    if (each.number() == search.number) search.found = &each;
  });
  return search.found;
}

int result_of(int error) noexcept {
  return error == 0 ? 0 : fail_with_errno(error);
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int pthread_kill(pthread_t id, int signal) noexcept {
  EmulatedThread* const thread = EmulatedThread::find(id);
  if (thread == nullptr) return real_kill(id, signal);
  return signal_thread(*thread, from_this_process(signal, SI_TKILL));
}

int pthread_sigqueue(pthread_t id, int signal, const sigval value) noexcept {
  EmulatedThread* const thread = EmulatedThread::find(id);
  if (thread == nullptr) return real_queue(id, signal, value);
  siginfo_t info = from_this_process(signal, SI_QUEUE);
  info.si_value = value;
  return signal_thread(*thread, info);
}

int raise(int signal) noexcept {
  EmulatedThread* const self = EmulatedThread::current();
  if (self == nullptr) return real_raise(signal);
  return result_of(signal_thread(*self, from_this_process(signal, SI_TKILL)));
}

int tgkill(pid_t process, pid_t number, int signal) {
  EmulatedThread* const thread = process == getpid() ? find_by_number(number) : nullptr;
  if (thread == nullptr) return real_tgkill(process, number, signal);
  return result_of(signal_thread(*thread, from_this_process(signal, SI_TKILL)));
}

}  // extern "C"
