// Tries: reads and writes that never block and leave the description's O_NONBLOCK alone. Each
// returns what the call would, and -1 with EAGAIN where it would have to wait. Bad pointers get
// EFAULT, as from the call itself.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include "colibri/core/libc.h"
#include "colibri/hook/descriptor_table.h"

namespace colibri {

/// A call for sockets only failed: true if it said that this is none, since the number was closed
/// and given out anew behind the hooks' back. Then what was believed of it is forgotten.
bool is_no_socket(int number) noexcept;

/// try_read and try_write where it is no socket.
ssize_t try_read_file(const Descriptor& descriptor, int number, void* buffer,
                      std::size_t size) noexcept;
ssize_t try_write_file(const Descriptor& descriptor, int number, const void* buffer,
                       std::size_t size) noexcept;

/// read of a buffer that is not empty.
inline ssize_t try_read(const Descriptor& descriptor, int number, void* buffer,
                        std::size_t size) noexcept {
  if (descriptor.is_socket()) [[likely]] {
    const ssize_t result = real::recv(number, buffer, size, MSG_DONTWAIT);
    if (result >= 0 || !is_no_socket(number)) return result;
  }
  return try_read_file(descriptor, number, buffer, size);
}

/// readv. The array is the program's own.
ssize_t try_readv(const Descriptor& descriptor, int number, const iovec* buffers,
                  int count) noexcept;

/// write of a buffer that is not empty. `continued`: part of the same call has been written before,
/// so that a broken connection raises no signal now (as in the kernel's own blocking write).
inline ssize_t try_write(const Descriptor& descriptor, int number, const void* buffer,
                         std::size_t size, bool continued) noexcept {
  if (descriptor.is_socket()) [[likely]] {
    const int flags = MSG_DONTWAIT | (continued ? MSG_NOSIGNAL : 0);
    const ssize_t result = real::send(number, buffer, size, flags);
    if (result >= 0 || !is_no_socket(number)) return result;
  }
  return try_write_file(descriptor, number, buffer, size);
}

/// writev; likewise.
ssize_t try_writev(const Descriptor& descriptor, int number, const iovec* buffers, int count,
                   bool continued) noexcept;

}  // namespace colibri
