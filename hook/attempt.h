// Tries: reads and writes that never block and leave the description's O_NONBLOCK alone. Each
// returns what the call would, and -1 with EAGAIN where it would have to wait.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include "colibri/hook/descriptor_table.h"

namespace colibri {

/// Reads into `count` buffers.
ssize_t try_read(const Descriptor& descriptor, int number, const iovec* buffers,
                 int count) noexcept;

/// Writes from `count` buffers. `continued`: part of the same call has been written before, so
/// that a broken connection raises no signal now (as in the kernel's own blocking write).
ssize_t try_write(const Descriptor& descriptor, int number, const iovec* buffers, int count,
                  bool continued) noexcept;

}  // namespace colibri
