// The real libc functions behind the names that hook/ defines anew.
//
// With the hooks linked, `::read` in core or net would bind to our hook: recursion, or a park in
// the middle of the scheduler. So core, net and hook call libc through `colibri::real`, one line a
// symbol. Each is found once, by dlsym(RTLD_NEXT), at its first call; lookup works before any
// constructor has run and from any thread.
#pragma once

#include <fcntl.h>
#include <locale.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "colibri/core/bad_pointers.h"

namespace colibri {

/// The address of libc's `name`, or of its alias `__name` where RTLD_NEXT finds none (static
/// programs). Null when there is neither. Any thread.
void* find_real_function(const char* name) noexcept;

/// As find_real_function, but ends the process with a sentence when there is none.
void* require_real_function(const char* name) noexcept;

template <class Signature>
class RealFunction;

/// A libc function, called by its plain arguments.
template <class Result, class... Parameters>
class RealFunction<Result(Parameters...)> {
 public:
  using Pointer = Result (*)(Parameters...);

  /// `declaration` is libc's own declaration; it only lends its type.
  consteval RealFunction(const char* name, Pointer /*declaration*/) : name_(name) {}

  Result operator()(Parameters... arguments) const {
    if constexpr (std::is_signed_v<Result>) {
      const Result result = get()(arguments...);
      if (result == -1 && errno == EFAULT) [[unlikely]]
        examine_bad_pointers(arguments...);
      return result;
    } else {
      return get()(arguments...);
    }
  }

  Pointer get() const noexcept {
    Pointer function = function_.load(std::memory_order_relaxed);
    if (function == nullptr) [[unlikely]] {
      function = reinterpret_cast<Pointer>(require_real_function(name_));
      function_.store(function, std::memory_order_relaxed);
    }
    return function;
  }

  /// Looks for it now, so that the first call need not; whether it is there or not.
  void find() const noexcept {
    if (function_.load(std::memory_order_relaxed) != nullptr) return;
    function_.store(reinterpret_cast<Pointer>(find_real_function(name_)),
                    std::memory_order_relaxed);
  }

 private:
  const char* name_;
  mutable std::atomic<Pointer> function_{nullptr};
};

/// The same for a variadic function such as fcntl.
template <class Result, class... Parameters>
class RealFunction<Result(Parameters..., ...)> {
 public:
  using Pointer = Result (*)(Parameters..., ...);

  consteval RealFunction(const char* name, Pointer /*declaration*/) : name_(name) {}

  template <class... Rest>
  Result operator()(Parameters... arguments, Rest... rest) const {
    return get()(arguments..., rest...);
  }

  Pointer get() const noexcept {
    Pointer function = function_.load(std::memory_order_relaxed);
    if (function == nullptr) [[unlikely]] {
      function = reinterpret_cast<Pointer>(require_real_function(name_));
      function_.store(function, std::memory_order_relaxed);
    }
    return function;
  }

  /// Looks for it now, so that the first call need not; whether it is there or not.
  void find() const noexcept {
    if (function_.load(std::memory_order_relaxed) != nullptr) return;
    function_.store(reinterpret_cast<Pointer>(find_real_function(name_)),
                    std::memory_order_relaxed);
  }

 private:
  const char* name_;
  mutable std::atomic<Pointer> function_{nullptr};
};

template <class Result, class... Parameters>
RealFunction(const char*, Result (*)(Parameters...)) -> RealFunction<Result(Parameters...)>;
template <class Result, class... Parameters>
RealFunction(const char*, Result (*)(Parameters..., ...))
    -> RealFunction<Result(Parameters..., ...)>;

namespace real {

// Life of a socket.
inline constinit RealFunction socket{"socket", ::socket};
inline constinit RealFunction socketpair{"socketpair", ::socketpair};
inline constinit RealFunction connect{"connect", ::connect};
inline constinit RealFunction listen{"listen", ::listen};
inline constinit RealFunction accept{"accept", ::accept};
inline constinit RealFunction accept4{"accept4", ::accept4};
inline constinit RealFunction shutdown{"shutdown", ::shutdown};
inline constinit RealFunction getsockopt{"getsockopt", ::getsockopt};
inline constinit RealFunction setsockopt{"setsockopt", ::setsockopt};

// Bytes and messages.
inline constinit RealFunction read{"read", ::read};
inline constinit RealFunction readv{"readv", ::readv};
inline constinit RealFunction recv{"recv", ::recv};
inline constinit RealFunction recvfrom{"recvfrom", ::recvfrom};
inline constinit RealFunction recvmsg{"recvmsg", ::recvmsg};
inline constinit RealFunction write{"write", ::write};
inline constinit RealFunction writev{"writev", ::writev};
inline constinit RealFunction send{"send", ::send};
inline constinit RealFunction sendto{"sendto", ::sendto};
inline constinit RealFunction sendmsg{"sendmsg", ::sendmsg};
inline constinit RealFunction recvmmsg{"recvmmsg", ::recvmmsg};
inline constinit RealFunction sendmmsg{"sendmmsg", ::sendmmsg};
inline constinit RealFunction sendfile64{"sendfile64", ::sendfile64};
inline constinit RealFunction splice{"splice", ::splice};
inline constinit RealFunction pread64{"pread64", ::pread64};
inline constinit RealFunction pwrite64{"pwrite64", ::pwrite64};
inline constinit RealFunction preadv2{"preadv2", ::preadv2};
inline constinit RealFunction pwritev2{"pwritev2", ::pwritev2};

// Descriptors.
inline constinit RealFunction open{"open", ::open};
inline constinit RealFunction openat{"openat", ::openat};
inline constinit RealFunction close{"close", ::close};
inline constinit RealFunction dup{"dup", ::dup};
inline constinit RealFunction dup2{"dup2", ::dup2};
inline constinit RealFunction dup3{"dup3", ::dup3};
inline constinit RealFunction fcntl{"fcntl", ::fcntl};
inline constinit RealFunction ioctl{"ioctl", ::ioctl};
inline constinit RealFunction pipe{"pipe", ::pipe};
inline constinit RealFunction pipe2{"pipe2", ::pipe2};
inline constinit RealFunction eventfd{"eventfd", ::eventfd};
inline constinit RealFunction timerfd_create{"timerfd_create", ::timerfd_create};
inline constinit RealFunction close_range{"close_range", ::close_range};

// Waiting and sleeping.
inline constinit RealFunction poll{"poll", ::poll};
inline constinit RealFunction ppoll{"ppoll", ::ppoll};
inline constinit RealFunction select{"select", ::select};
inline constinit RealFunction pselect{"pselect", ::pselect};
inline constinit RealFunction epoll_create1{"epoll_create1", ::epoll_create1};
inline constinit RealFunction epoll_ctl{"epoll_ctl", ::epoll_ctl};
inline constinit RealFunction epoll_wait{"epoll_wait", ::epoll_wait};
inline constinit RealFunction epoll_pwait{"epoll_pwait", ::epoll_pwait};
inline constinit RealFunction epoll_pwait2{"epoll_pwait2", ::epoll_pwait2};
inline constinit RealFunction sleep{"sleep", ::sleep};
inline constinit RealFunction usleep{"usleep", ::usleep};
inline constinit RealFunction nanosleep{"nanosleep", ::nanosleep};
inline constinit RealFunction clock_nanosleep{"clock_nanosleep", ::clock_nanosleep};

// Futexes, for want of a name of their own.
inline constinit RealFunction syscall{"syscall", ::syscall};

// Locks and their kind: only for objects that several processes share and the like; see
// hook/mutex_body.h.
inline constinit RealFunction pthread_mutex_init{"pthread_mutex_init", ::pthread_mutex_init};
inline constinit RealFunction pthread_mutex_destroy{"pthread_mutex_destroy",
                                                    ::pthread_mutex_destroy};
inline constinit RealFunction pthread_mutex_lock{"pthread_mutex_lock", ::pthread_mutex_lock};
inline constinit RealFunction pthread_mutex_trylock{"pthread_mutex_trylock",
                                                    ::pthread_mutex_trylock};
inline constinit RealFunction pthread_mutex_timedlock{"pthread_mutex_timedlock",
                                                      ::pthread_mutex_timedlock};
inline constinit RealFunction pthread_mutex_clocklock{"pthread_mutex_clocklock",
                                                      ::pthread_mutex_clocklock};
inline constinit RealFunction pthread_mutex_unlock{"pthread_mutex_unlock", ::pthread_mutex_unlock};
inline constinit RealFunction pthread_cond_init{"pthread_cond_init", ::pthread_cond_init};
inline constinit RealFunction pthread_cond_destroy{"pthread_cond_destroy", ::pthread_cond_destroy};
inline constinit RealFunction pthread_cond_wait{"pthread_cond_wait", ::pthread_cond_wait};
inline constinit RealFunction pthread_cond_timedwait{"pthread_cond_timedwait",
                                                     ::pthread_cond_timedwait};
inline constinit RealFunction pthread_cond_clockwait{"pthread_cond_clockwait",
                                                     ::pthread_cond_clockwait};
inline constinit RealFunction pthread_cond_signal{"pthread_cond_signal", ::pthread_cond_signal};
inline constinit RealFunction pthread_cond_broadcast{"pthread_cond_broadcast",
                                                     ::pthread_cond_broadcast};

// Signals and processes.
inline constinit RealFunction sigaction{"sigaction", ::sigaction};
inline constinit RealFunction pthread_sigmask{"pthread_sigmask", ::pthread_sigmask};
inline constinit RealFunction waitpid{"waitpid", ::waitpid};
inline constinit RealFunction waitid{"waitid", ::waitid};
inline constinit RealFunction sigtimedwait{"sigtimedwait", ::sigtimedwait};
inline constinit RealFunction sigaltstack{"sigaltstack", ::sigaltstack};

// Names.
inline constinit RealFunction getaddrinfo{"getaddrinfo", ::getaddrinfo};

// Threads.
inline constinit RealFunction pthread_getattr_np{"pthread_getattr_np", ::pthread_getattr_np};
inline constinit RealFunction uselocale{"uselocale", ::uselocale};

}  // namespace real
}  // namespace colibri
