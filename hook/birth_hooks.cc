// Calls that make descriptors and never wait: eventfd, timerfd_create, signalfd, inotify_init,
// epoll_create and their kind; and eventfd_read and eventfd_write, which libc makes of read and
// write where nobody can see them.
//
// The number may have belonged to what was closed behind the hooks' back; that is forgotten.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "colibri/hook/blocking_call.h"

namespace colibri {
namespace {

constinit RealFunction real_signalfd{"signalfd", ::signalfd};
constinit RealFunction real_inotify_init{"inotify_init", ::inotify_init};
constinit RealFunction real_inotify_init1{"inotify_init1", ::inotify_init1};
constinit RealFunction real_epoll_create{"epoll_create", ::epoll_create};

int note_pollable(int number, bool nonblocking) noexcept {
  if (number >= 0) descriptor_table::opened(number, DescriptorKind::kPollable, nonblocking);
  return give_way_if_failed(number);
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int eventfd(unsigned count, int flags) noexcept {
  return note_pollable(real::eventfd(count, flags), (flags & EFD_NONBLOCK) != 0);
}

int timerfd_create(int clock, int flags) noexcept {
  return note_pollable(real::timerfd_create(clock, flags), (flags & TFD_NONBLOCK) != 0);
}

int signalfd(int number, const sigset_t* mask, int flags) noexcept {
  const int result = real_signalfd(number, mask, flags);
  if (number >= 0) return give_way_if_failed(result);  // an old one gets a new mask; its flags stay
  return note_pollable(result, (flags & SFD_NONBLOCK) != 0);
}

int inotify_init() noexcept {
  return note_pollable(real_inotify_init(), false);
}

int inotify_init1(int flags) noexcept {
  return note_pollable(real_inotify_init1(flags), (flags & IN_NONBLOCK) != 0);
}

int epoll_create(int size) noexcept {
  return note_pollable(real_epoll_create(size), false);
}

int epoll_create1(int flags) noexcept {
  return note_pollable(real::epoll_create1(flags), false);
}

int eventfd_read(int number, eventfd_t* value) {
  return read(number, value, sizeof *value) == sizeof *value ? 0 : -1;
}

int eventfd_write(int number, eventfd_t value) {
  return write(number, &value, sizeof value) == sizeof value ? 0 : -1;
}

}  // extern "C"
