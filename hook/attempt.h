// Tries: reads and writes that never block and leave the description's O_NONBLOCK alone. Each
// returns what the call would, and -1 with EAGAIN where it would have to wait. Bad pointers get
// EFAULT, as from the call itself.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include "colibri/hook/descriptor_table.h"

namespace colibri {

/// read of a buffer that is not empty.
ssize_t try_read(const Descriptor& descriptor, int number, void* buffer, std::size_t size) noexcept;

/// readv. The array is the program's own.
ssize_t try_readv(const Descriptor& descriptor, int number, const iovec* buffers,
                  int count) noexcept;

/// write of a buffer that is not empty. `continued`: part of the same call has been written before,
/// so that a broken connection raises no signal now (as in the kernel's own blocking write).
ssize_t try_write(const Descriptor& descriptor, int number, const void* buffer, std::size_t size,
                  bool continued) noexcept;

/// writev; likewise.
ssize_t try_writev(const Descriptor& descriptor, int number, const iovec* buffers, int count,
                   bool continued) noexcept;

}  // namespace colibri
