#include "test/support/libc_functions.h"

extern "C" {
ssize_t __read_chk(int, void*, size_t, size_t);
ssize_t __recv_chk(int, void*, size_t, size_t, int);
ssize_t __recvfrom_chk(int, void*, size_t, size_t, int, sockaddr*, socklen_t*);
int __poll_chk(pollfd*, nfds_t, int, size_t);
int __ppoll_chk(pollfd*, nfds_t, const timespec*, const sigset_t*, size_t);
// By another name, since the headers call it deprecated.
int plain_siginterrupt(int, int) __asm__("siginterrupt");
sighandler_t plain_sigset(int, sighandler_t) __asm__("sigset");
}

namespace colibri::test {
namespace {

/// libc's `name`, as a pointer of the type it is assigned to.
struct Found {
  const char* name;
  template <class Function>
  operator Function*() const {
    return reinterpret_cast<Function*>(require_real_function(name));
  }
};

}  // namespace

const Libc& real_libc() {
  static const Libc functions{
      .socket = real::socket.get(),
      .socketpair = real::socketpair.get(),
      .connect = real::connect.get(),
      .listen = real::listen.get(),
      .accept = real::accept.get(),
      .accept4 = real::accept4.get(),
      .shutdown = real::shutdown.get(),
      .getsockopt = real::getsockopt.get(),
      .setsockopt = real::setsockopt.get(),
      .read = real::read.get(),
      .readv = real::readv.get(),
      .recv = real::recv.get(),
      .recvfrom = real::recvfrom.get(),
      .recvmsg = real::recvmsg.get(),
      .write = real::write.get(),
      .writev = real::writev.get(),
      .send = real::send.get(),
      .sendto = real::sendto.get(),
      .sendmsg = real::sendmsg.get(),
      .close = real::close.get(),
      .dup = real::dup.get(),
      .dup2 = real::dup2.get(),
      .dup3 = real::dup3.get(),
      .fcntl = real::fcntl.get(),
      .fcntl64 = Found{"fcntl64"},
      .ioctl = real::ioctl.get(),
      .pipe = real::pipe.get(),
      .pipe2 = real::pipe2.get(),
      .poll = real::poll.get(),
      .ppoll = real::ppoll.get(),
      .select = real::select.get(),
      .pselect = real::pselect.get(),
      .epoll_wait = real::epoll_wait.get(),
      .epoll_pwait = real::epoll_pwait.get(),
      .epoll_pwait2 = real::epoll_pwait2.get(),
      .sleep = real::sleep.get(),
      .usleep = real::usleep.get(),
      .nanosleep = real::nanosleep.get(),
      .clock_nanosleep = real::clock_nanosleep.get(),
      .sigaction = real::sigaction.get(),
      .signal = Found{"signal"},
      .siginterrupt = Found{"siginterrupt"},
      .sigset = Found{"sigset"},
      .sysv_signal = Found{"__sysv_signal"},
      .sigaltstack = real::sigaltstack.get(),
      .fortified = {.read = Found{"__read_chk"},
                    .recv = Found{"__recv_chk"},
                    .recvfrom = Found{"__recvfrom_chk"},
                    .poll = Found{"__poll_chk"},
                    .ppoll = Found{"__ppoll_chk"}},
  };
  return functions;
}

const Libc& hooked_libc() {
  static const Libc functions{
      .socket = ::socket,
      .socketpair = ::socketpair,
      .connect = ::connect,
      .listen = ::listen,
      .accept = ::accept,
      .accept4 = ::accept4,
      .shutdown = ::shutdown,
      .getsockopt = ::getsockopt,
      .setsockopt = ::setsockopt,
      .read = ::read,
      .readv = ::readv,
      .recv = ::recv,
      .recvfrom = ::recvfrom,
      .recvmsg = ::recvmsg,
      .write = ::write,
      .writev = ::writev,
      .send = ::send,
      .sendto = ::sendto,
      .sendmsg = ::sendmsg,
      .close = ::close,
      .dup = ::dup,
      .dup2 = ::dup2,
      .dup3 = ::dup3,
      .fcntl = ::fcntl,
      .fcntl64 = ::fcntl64,
      .ioctl = ::ioctl,
      .pipe = ::pipe,
      .pipe2 = ::pipe2,
      .poll = ::poll,
      .ppoll = ::ppoll,
      .select = ::select,
      .pselect = ::pselect,
      .epoll_wait = ::epoll_wait,
      .epoll_pwait = ::epoll_pwait,
      .epoll_pwait2 = ::epoll_pwait2,
      .sleep = ::sleep,
      .usleep = ::usleep,
      .nanosleep = ::nanosleep,
      .clock_nanosleep = ::clock_nanosleep,
      .sigaction = ::sigaction,
      .signal = ::signal,
      .siginterrupt = plain_siginterrupt,
      .sigset = plain_sigset,
      .sysv_signal = ::__sysv_signal,
      .sigaltstack = ::sigaltstack,
      .fortified = {.read = ::__read_chk,
                    .recv = ::__recv_chk,
                    .recvfrom = ::__recvfrom_chk,
                    .poll = ::__poll_chk,
                    .ppoll = ::__ppoll_chk},
  };
  return functions;
}

}  // namespace colibri::test
