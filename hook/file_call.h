// Files: what the page cache has is taken at once (RWF_NOWAIT); what has to wait for a disk goes to
// a helper thread of a bounded set, since it ends by itself, or, for a read at an offset, to the
// ring, where the scheduler has one.
//
// For the same reason neither a TimeLimit nor cancel ends such a call once it has begun: a read
// that was given up would lose the bytes that the file's position has moved over.
#pragma once

#include <sys/uio.h>

#include <cstdint>

#include "colibri/hook/blocking_call.h"
#include "colibri/hook/result_call.h"

namespace colibri {

/// `function`, for later or for a helper. If the program closes `number` before it is called, the
/// result is -1 with EBADF: by then the number may mean a stranger. In a coroutine.
template <class Function>
auto unless_closed(int number, Function function) {
  const std::uint32_t life = descriptor_table::life_of(number);
  return [=]() -> long {
    return descriptor_table::life_of(number) == life ? static_cast<long>(function())
                                                     : fail_with_errno(EBADF);
  };
}

/// on_helper of the set for files, unless the program closes `number` before.
template <class Function>
long on_file_helper(int number, Function function) {
  return on_helper(HelperSet::kFiles, unless_closed(number, function));
}

/// The same for what can make a file larger. Whoever goes beyond RLIMIT_FSIZE gets SIGXFSZ, but
/// helpers take no signals. Nothing has been done then, and `on_this_thread()` fails at once, too.
template <class Function, class OnThisThread>
long write_on_file_helper(int number, Function function, OnThisThread on_this_thread) {
  const auto once_more = unless_closed(number, on_this_thread);
  const long result = on_file_helper(number, function);
  return result < 0 && errno == EFBIG ? once_more() : result;
}

/// True in a coroutine that may park, for a regular file, a directory or a block device.
bool is_file_that_may_wait(int number) noexcept;

/// The program's buffers, as the kernel takes them.
struct FileBuffers {
  const iovec* pieces;
  std::size_t count;
};

/// A transfer of such a file. `offset` -1: where the file stands; `flags` are those of preadv2.
struct FileCall {
  /// As the program wrote it, on this thread.
  template <class Real>
  ssize_t make(const Real& real) const {
    return real(number, buffers.pieces, static_cast<int>(buffers.count), offset, flags);
  }

  /// The part of it that can be done without waiting.
  template <class Real>
  ssize_t try_now(const Real& real) const {
    return FileCall{number, buffers, offset, flags | RWF_NOWAIT}.make(real);
  }

  int number;
  FileBuffers buffers;
  off64_t offset;
  int flags;
};

/// preadv2 of such a file, with its results and errno. In a coroutine.
ssize_t read_file(const FileCall& call);

/// The same for pwritev2.
ssize_t write_file(const FileCall& call);

/// read and pread of one buffer.
inline ssize_t read_file(int number, void* buffer, std::size_t size, off64_t offset) {
  const iovec whole{buffer, size};
  return read_file({number, {&whole, 1}, offset, 0});
}

/// write and pwrite of one buffer.
inline ssize_t write_file(int number, const void* buffer, std::size_t size, off64_t offset) {
  const iovec whole{const_cast<void*>(buffer), size};
  return write_file({number, {&whole, 1}, offset, 0});
}

}  // namespace colibri
