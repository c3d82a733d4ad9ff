// Files: what the page cache has is taken at once (RWF_NOWAIT); what has to wait for a disk goes to
// a helper thread of a bounded set, since it ends by itself.
//
// For the same reason neither a TimeLimit nor cancel ends such a call once it has begun: a read
// that was given up would lose the bytes that the file's position has moved over.
#pragma once

#include <utility>

#include "colibri/hook/blocking_call.h"
#include "colibri/hook/result_call.h"

namespace colibri {

/// on_helper of the set for files. If the program closes `number` before a helper begins, the
/// result is -1 with EBADF: by then the number may mean a stranger.
template <class Function>
long on_file_helper(int number, Function function) {
  const std::uint32_t life = descriptor_table::life_of(number);
  return on_helper(HelperSet::kFiles, [=]() -> long {
    return descriptor_table::life_of(number) == life ? static_cast<long>(function())
                                                     : fail_with_errno(EBADF);
  });
}

/// True in a coroutine that may park, for a regular file, a directory or a block device.
bool is_file_that_may_wait(int number) noexcept;

/// read and pread of such a file, with their results and errno; `offset` -1: where the file stands.
/// In a coroutine, for sizes above 0.
ssize_t read_file(int number, void* buffer, std::size_t size, off64_t offset);

/// The same for write and pwrite.
ssize_t write_file(int number, const void* buffer, std::size_t size, off64_t offset);

}  // namespace colibri
