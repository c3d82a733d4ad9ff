// The life of descriptors: socket, socketpair, pipe, pipe2, dup, dup2, dup3, close, and what sets
// their properties: fcntl, ioctl(FIONBIO), setsockopt. Each calls libc and notes what it did.
#include <cstdarg>

#include "colibri/core/internal_descriptor.h"
#include "colibri/hook/blocking_call.h"
#include "colibri/hook/file_lock.h"

namespace colibri {
namespace {

/// What calls on a descriptor of our own say.
int fail_as_closed() {
  return give_way_if_failed(fail_with_errno(EBADF));
}

/// Notes the two descriptors of a pair that was just made.
int note_pair(int result, const int* pair, DescriptorKind kind, bool nonblocking) noexcept {
  if (result != 0) return give_way_if_failed(result);
  descriptor_table::opened(pair[0], kind, nonblocking);
  descriptor_table::opened(pair[1], kind, nonblocking);
  return result;
}

int note_copy(int copy, int original) noexcept {
  if (copy >= 0) descriptor_table::duplicated(original, copy);
  return give_way_if_failed(copy);
}

/// dup2 and dup3: `target` loses its old meaning, and its waiters are told, but only if the call
/// will succeed.
template <class Duplicate>
int duplicate_onto(int original, int target, Duplicate duplicate) {
  if (is_internal_descriptor(original)) return fail_as_closed();
  if (descriptor_table::is_of_another_process() || original == target || target < 0 ||
      real::fcntl(original, F_GETFD) < 0)
    return pass_through(duplicate);
  yield_descriptor_number(target);
  descriptor_table::closing(target);
  return note_copy(duplicate(), original);
}

/// F_SETFL: our own O_NONBLOCK on a listener stays, whatever the program wants.
int set_status_flags(int number, long flags) noexcept {
  const Descriptor* descriptor = descriptor_table::find(number);
  const bool ours = descriptor != nullptr && descriptor->our_nonblocking;
  const int result = real::fcntl(number, F_SETFL, ours ? flags | O_NONBLOCK : flags);
  if (result == 0) descriptor_table::set_nonblocking(number, (flags & O_NONBLOCK) != 0);
  return result;
}

/// F_GETFL: shows the program's own O_NONBLOCK, not ours.
int get_status_flags(int number) noexcept {
  const int flags = real::fcntl(number, F_GETFL);
  const Descriptor* descriptor = descriptor_table::find(number);
  const bool hide = flags >= 0 && descriptor != nullptr && descriptor->our_nonblocking &&
                    !descriptor->user_nonblocking;
  return hide ? flags & ~O_NONBLOCK : flags;
}

/// F_SETLKW and F_OFD_SETLKW.
int wait_for_lock(int number, int command, void* lock) {
  if (parkable_coroutine() == nullptr) return real::fcntl(number, command, lock);
  return lock_in_pauses(
      number,
      [](int descriptor, int once, void* what, off64_t) {
        return real::fcntl(descriptor, once, what);
      },
      command == F_SETLKW ? F_SETLK : F_OFD_SETLK, lock, 0);
}

int dispatch_fcntl(int number, int command, void* argument) {
  if (is_internal_descriptor(number)) return fail_with_errno(EBADF);
  switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
      return note_copy(real::fcntl(number, command, argument), number);
    case F_SETFL:
      return set_status_flags(number, reinterpret_cast<long>(argument));
    case F_SETLKW:
    case F_OFD_SETLKW:
      return wait_for_lock(number, command, argument);
    case F_GETFL:
      return get_status_flags(number);
    default:
      return real::fcntl(number, command, argument);
  }
}

int hooked_fcntl(int number, int command, void* argument) {
  return give_way_if_failed(dispatch_fcntl(number, command, argument));
}

int set_nonblocking_by_ioctl(int number, const int* wanted) noexcept {
  const int result = real::ioctl(number, FIONBIO, wanted);
  if (result != 0) return result;
  const Descriptor* descriptor = descriptor_table::find(number);
  if (*wanted == 0 && descriptor != nullptr && descriptor->our_nonblocking) {
    int on = 1;
    real::ioctl(number, FIONBIO, &on);
  }
  descriptor_table::set_nonblocking(number, *wanted != 0);
  return result;
}

/// Notes an option that decides how long calls wait.
void note_option(int number, int option, const void* value) noexcept {
  const auto nanoseconds = [&] {
    return descriptor_table::nanoseconds_of_timeout(*static_cast<const timeval*>(value));
  };
  if (descriptor_table::is_of_another_process()) return;
  descriptor_table::for_each_alias(number, [&](Descriptor& each) {
    if (option == SO_RCVTIMEO) each.receive_timeout = nanoseconds();
    if (option == SO_SNDTIMEO) each.send_timeout = nanoseconds();
    if (option == SO_RCVLOWAT) each.receive_low_water = *static_cast<const int*>(value);
  });
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int socket(int domain, int type, int protocol) noexcept {
  const int number = real::socket(domain, type, protocol);
  if (number >= 0) {
    descriptor_table::opened(number, descriptor_table::socket_kind(domain, type, protocol),
                             (type & SOCK_NONBLOCK) != 0);
  }
  return give_way_if_failed(number);
}

int socketpair(int domain, int type, int protocol, int pair[2]) noexcept {
  return note_pair(real::socketpair(domain, type, protocol, pair), pair,
                   descriptor_table::socket_kind(domain, type, protocol),
                   (type & SOCK_NONBLOCK) != 0);
}

int pipe(int pair[2]) noexcept {
  return note_pair(real::pipe(pair), pair, DescriptorKind::kPipe, false);
}

int pipe2(int pair[2], int flags) noexcept {
  return note_pair(real::pipe2(pair, flags), pair, DescriptorKind::kPipe,
                   (flags & O_NONBLOCK) != 0);
}

int close(int fd) {
  if (is_internal_descriptor(fd)) return fail_as_closed();
  descriptor_table::closing(fd);
  const int result = real::close(fd);
  descriptor_table::closed(fd);
  return give_way_if_failed(result);
}

int dup(int fd) noexcept {
  if (is_internal_descriptor(fd)) return fail_as_closed();
  return note_copy(real::dup(fd), fd);
}

int dup2(int fd, int target) noexcept {
  return duplicate_onto(fd, target, [&] { return real::dup2(fd, target); });
}

int dup3(int fd, int target, int flags) noexcept {
  const auto duplicate = [&] { return real::dup3(fd, target, flags); };
  return (flags & ~O_CLOEXEC) != 0 ? pass_through(duplicate)
                                   : duplicate_onto(fd, target, duplicate);
}

int fcntl(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  return hooked_fcntl(fd, command, argument);
}

int fcntl64(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  return hooked_fcntl(fd, command, argument);
}

int ioctl(int fd, unsigned long request, ...) noexcept {
  va_list arguments;
  va_start(arguments, request);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  if (is_internal_descriptor(fd)) return fail_as_closed();
  return pass_through([&] {
    return request == FIONBIO ? set_nonblocking_by_ioctl(fd, static_cast<const int*>(argument))
                              : real::ioctl(fd, request, argument);
  });
}

int setsockopt(int fd, int level, int option, const void* value, socklen_t size) noexcept {
  const int result = real::setsockopt(fd, level, option, value, size);
  if (result == 0 && level == SOL_SOCKET) note_option(fd, option, value);
  return give_way_if_failed(result);
}

}  // extern "C"
