// What programs built with _FORTIFY_SOURCE call instead of the plain names. Each checks the size
// of the buffer, as libc does, and goes on as the plain hook.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>

extern "C" {

/// libc's: reports the overflow and ends the process.
[[noreturn]] void __chk_fail();

ssize_t __read_chk(int fd, void* buffer, size_t size, size_t room) {
  if (size > room) __chk_fail();
  return read(fd, buffer, size);
}

ssize_t __recv_chk(int fd, void* buffer, size_t size, size_t room, int flags) {
  if (size > room) __chk_fail();
  return recv(fd, buffer, size, flags);
}

ssize_t __recvfrom_chk(int fd, void* buffer, size_t size, size_t room, int flags, sockaddr* address,
                       socklen_t* address_size) {
  if (size > room) __chk_fail();
  return recvfrom(fd, buffer, size, flags, address, address_size);
}

int __poll_chk(pollfd* descriptors, nfds_t count, int timeout, size_t room) {
  if (room / sizeof(pollfd) < count) __chk_fail();
  return poll(descriptors, count, timeout);
}

int __ppoll_chk(pollfd* descriptors, nfds_t count, const timespec* timeout, const sigset_t* mask,
                size_t room) {
  if (room / sizeof(pollfd) < count) __chk_fail();
  return ppoll(descriptors, count, timeout, mask);
}

}  // extern "C"
