// The functions under test as values, so that one test body runs on libc's own and on the hooks.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include "colibri/core/libc.h"

namespace colibri::test {

/// What programs built with _FORTIFY_SOURCE call.
struct FortifiedLibc {
  ssize_t (*read)(int, void*, size_t, size_t);
  ssize_t (*recv)(int, void*, size_t, size_t, int);
  ssize_t (*recvfrom)(int, void*, size_t, size_t, int, sockaddr*, socklen_t*);
  int (*poll)(pollfd*, nfds_t, int, size_t);
  int (*ppoll)(pollfd*, nfds_t, const timespec*, const sigset_t*, size_t);
};

struct Libc {
  decltype(real::socket.get()) socket;
  decltype(real::socketpair.get()) socketpair;
  decltype(real::connect.get()) connect;
  decltype(real::listen.get()) listen;
  decltype(real::accept.get()) accept;
  decltype(real::accept4.get()) accept4;
  decltype(real::shutdown.get()) shutdown;
  decltype(real::getsockopt.get()) getsockopt;
  decltype(real::setsockopt.get()) setsockopt;

  decltype(real::read.get()) read;
  decltype(real::readv.get()) readv;
  decltype(real::recv.get()) recv;
  decltype(real::recvfrom.get()) recvfrom;
  decltype(real::recvmsg.get()) recvmsg;
  decltype(real::write.get()) write;
  decltype(real::writev.get()) writev;
  decltype(real::send.get()) send;
  decltype(real::sendto.get()) sendto;
  decltype(real::sendmsg.get()) sendmsg;

  decltype(real::close.get()) close;
  decltype(real::dup.get()) dup;
  decltype(real::dup2.get()) dup2;
  decltype(real::dup3.get()) dup3;
  decltype(real::fcntl.get()) fcntl;
  decltype(real::fcntl.get()) fcntl64;
  decltype(real::ioctl.get()) ioctl;
  decltype(real::pipe.get()) pipe;
  decltype(real::pipe2.get()) pipe2;

  decltype(real::poll.get()) poll;
  decltype(real::ppoll.get()) ppoll;
  decltype(real::select.get()) select;
  decltype(real::pselect.get()) pselect;
  decltype(real::epoll_wait.get()) epoll_wait;
  decltype(real::epoll_pwait.get()) epoll_pwait;
  decltype(real::epoll_pwait2.get()) epoll_pwait2;
  decltype(real::sleep.get()) sleep;
  decltype(real::usleep.get()) usleep;
  decltype(real::nanosleep.get()) nanosleep;
  decltype(real::clock_nanosleep.get()) clock_nanosleep;

  decltype(real::sigaction.get()) sigaction;
  sighandler_t (*signal)(int, sighandler_t);
  int (*siginterrupt)(int, int);
  sighandler_t (*sigset)(int, sighandler_t);
  sighandler_t (*sysv_signal)(int, sighandler_t);
  decltype(real::sigaltstack.get()) sigaltstack;

  FortifiedLibc fortified;
};

/// libc's own functions, whatever is linked.
const Libc& real_libc();

/// What a program that calls the plain names gets: the hooks.
const Libc& hooked_libc();

}  // namespace colibri::test
