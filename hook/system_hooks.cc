// system, popen, pclose.
//
// system keeps SIGCHLD away while its child runs, so that no handler of the program's reaps it. The
// signal mask is the thread's, so the first of its coroutines blocks the signal, and the last one
// restores it.
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>

#include "colibri/core/small_lock.h"
#include "colibri/hook/child_wait.h"
#include "colibri/hook/result_call.h"
#include "colibri/hook/stream.h"
#include "colibri/hook/threads/own_mask.h"

extern char** environ;

namespace colibri {
namespace {

constinit RealFunction real_system{"system", ::system};
constinit RealFunction real_popen{"popen", ::popen};
constinit RealFunction real_pclose{"pclose", ::pclose};
constinit RealFunction real_sigtimedwait{"sigtimedwait", ::sigtimedwait};

/// What the signals of the keyboard do to the process while any system runs: nothing.
class KeyboardIgnored {
 public:
  void begin() noexcept {
    const SmallLockGuard guard(lock_);
    if (users_++ != 0) return;
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    sigemptyset(&ignore.sa_mask);
    real::sigaction(SIGINT, &ignore, &interrupt_);
    real::sigaction(SIGQUIT, &ignore, &quit_);
  }
  void end() noexcept {
    const SmallLockGuard guard(lock_);
    if (--users_ != 0) return;
    real::sigaction(SIGINT, &interrupt_, nullptr);
    real::sigaction(SIGQUIT, &quit_, nullptr);
  }
  /// The signals that the child is to have as the program had them: by default, unless ignored.
  sigset_t defaults() noexcept {
    const SmallLockGuard guard(lock_);
    sigset_t set;
    sigemptyset(&set);
    if (interrupt_.sa_handler != SIG_IGN) sigaddset(&set, SIGINT);
    if (quit_.sa_handler != SIG_IGN) sigaddset(&set, SIGQUIT);
    return set;
  }

 private:
  SmallLock lock_;
  int users_ = 0;
  struct sigaction interrupt_ {};
  struct sigaction quit_ {};
};

constinit KeyboardIgnored keyboard;

/// SIGCHLD on this thread.
struct ChildSignal {
  int users = 0;
  sigset_t mask_before{};  // of the first
};

constinit thread_local ChildSignal child_signal;

sigset_t child_signal_set() noexcept {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  return set;
}

/// The surroundings of a system, for its scope.
class [[nodiscard]] SystemScope {
 public:
  SystemScope() noexcept {
    keyboard.begin();
    if (own_.thread() != nullptr || child_signal.users++ != 0) return;
    const sigset_t set = child_signal_set();
    real::pthread_sigmask(SIG_BLOCK, &set, &child_signal.mask_before);
  }
  ~SystemScope() {
    keyboard.end();
    if (own_.thread() != nullptr || --child_signal.users != 0 ||
        sigismember(&child_signal.mask_before, SIGCHLD) != 0) {
      return;
    }
    const sigset_t set = child_signal_set();
    real::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  }
  SystemScope(const SystemScope&) = delete;
  SystemScope& operator=(const SystemScope&) = delete;

  /// What the shell is to have.
  sigset_t mask_before() const noexcept {
    return own_.thread() != nullptr ? set_of(own_.before()) : child_signal.mask_before;
  }

 private:
  const BlockedInThread own_{signal_bit(SIGCHLD)};
};

/// Starts the shell. 0, or the error.
int start_shell(const char* command, const sigset_t& mask, pid_t& child) noexcept {
  const sigset_t defaults = keyboard.defaults();
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigmask(&attributes, &mask);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  const char* const arguments[] = {"sh", "-c", command, nullptr};
  const int error = posix_spawn(&child, "/bin/sh", nullptr, &attributes,
                                const_cast<char* const*>(arguments), environ);
  posix_spawnattr_destroy(&attributes);
  return error;
}

int run_shell(const char* command) {
  const SystemScope scope;
  pid_t child = 0;
  if (const int error = start_shell(command, scope.mask_before(), child); error != 0) {
    errno = error;
    return W_EXITCODE(127, 0);
  }
  int status = 0;
  const auto attempt = [&] { return real::waitpid(child, &status, WNOHANG); };
  if (wait_until_reported(ChildQuestion::of_wait(child, 0), false, attempt) == child) {
    return status;
  }
  const int error = errno;
  if (error != ECHILD) {
    // A time limit, or a cancellation: as libc does it to a thread that is cancelled.
    kill(child, SIGKILL);
    while (real::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  return fail_with_errno(error);
}

constexpr long kBrokenPipe = 1L << 32;

/// pclose on a helper, which takes no signals. The status, and kBrokenPipe if what the stream still
/// held found no reader.
long close_on_helper(FILE* stream) noexcept {
  const auto status = static_cast<unsigned>(real_pclose(stream));
  const int error = errno;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  const timespec at_once{};
  const bool broken = real_sigtimedwait(&set, nullptr, &at_once) == SIGPIPE;
  errno = error;
  return static_cast<long>(status) | (broken ? kBrokenPipe : 0);
}

/// Waits for a child which only libc knows. Neither cancel nor a time limit ends it: like close, it
/// must not leak what it is given.
int wait_for_close(FILE* stream) {
  if (parkable_coroutine() == nullptr) return real_pclose(stream);
  const long result =
      on_helper(HelperSet::kUnbounded, [stream] { return close_on_helper(stream); });
  if ((result & kBrokenPipe) != 0) raise(SIGPIPE);
  return static_cast<int>(result);
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int system(const char* command) {
  if (parkable_coroutine() == nullptr) return real_system(command);
  if (!may_begin()) return -1;
  if (command == nullptr) return run_shell("exit 0") == 0 ? 1 : 0;
  return run_shell(command);
}

FILE* popen(const char* command, const char* mode) {
  FILE* process = real_popen(command, mode);
  if (process == nullptr) return nullptr;
  const int number = fileno_unlocked(process);
  descriptor_table::closing(number);
  StreamMode parsed;
  if (parkable_coroutine() == nullptr || !StreamMode::parse(mode, parsed)) return process;
  FILE* stream = Stream::open(number, parsed, process);
  return stream != nullptr ? stream : process;
}

int pclose(FILE* stream) {
  if (Stream* ours = Stream::find(stream)) return ours->close();
  const int number = fileno_unlocked(stream);
  descriptor_table::closing(number);
  const int result = wait_for_close(stream);
  descriptor_table::closed(number);
  return result;
}

}  // extern "C"
