// preadv, pwritev, preadv2 and pwritev2. On what waits the last two are readv and writev where they
// are given no offset; with one it says so at once (ESPIPE). On files all go as pread and pwrite.
#include <sys/uio.h>

#include "colibri/hook/blocking_call.h"
#include "colibri/hook/file_call.h"

namespace colibri {
namespace {

constinit RealFunction real_preadv{"preadv64", ::preadv64};
constinit RealFunction real_pwritev{"pwritev64", ::pwritev64};

/// True where the call means readv or writev, which may park.
bool is_plain(int number, off64_t offset, int flags) noexcept {
  return offset == -1 && flags == 0 && parkable_descriptor(number) != nullptr;
}

/// True for what file_call.h does: a file, and nothing that the kernel refuses at once, and the
/// program has not asked for a call that does not wait.
bool is_for_file_call(int number, int count, off64_t offset, off64_t lowest, int flags) noexcept {
  return count > 0 && offset >= lowest && (flags & RWF_NOWAIT) == 0 &&
         is_file_that_may_wait(number);
}

FileCall file_call(int number, const iovec* buffers, int count, off64_t offset, int flags) {
  return {number, {buffers, static_cast<std::size_t>(count)}, offset, flags};
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

ssize_t preadv64v2(int fd, const iovec* buffers, int count, off64_t offset, int flags) {
  if (is_plain(fd, offset, flags)) return readv(fd, buffers, count);
  if (is_for_file_call(fd, count, offset, -1, flags)) {
    return read_file(file_call(fd, buffers, count, offset, flags));
  }
  return pass_through([&] { return real::preadv2(fd, buffers, count, offset, flags); });
}

ssize_t preadv2(int fd, const iovec* buffers, int count, off_t offset, int flags) {
  return preadv64v2(fd, buffers, count, offset, flags);
}

ssize_t preadv64(int fd, const iovec* buffers, int count, off64_t offset) {
  if (is_for_file_call(fd, count, offset, 0, 0)) {
    return read_file(file_call(fd, buffers, count, offset, 0));
  }
  return pass_through([&] { return real_preadv(fd, buffers, count, offset); });
}

ssize_t preadv(int fd, const iovec* buffers, int count, off_t offset) {
  return preadv64(fd, buffers, count, offset);
}

ssize_t pwritev64v2(int fd, const iovec* buffers, int count, off64_t offset, int flags) {
  if (is_plain(fd, offset, flags)) return writev(fd, buffers, count);
  if (is_for_file_call(fd, count, offset, -1, flags)) {
    return write_file(file_call(fd, buffers, count, offset, flags));
  }
  return pass_through([&] { return real::pwritev2(fd, buffers, count, offset, flags); });
}

ssize_t pwritev2(int fd, const iovec* buffers, int count, off_t offset, int flags) {
  return pwritev64v2(fd, buffers, count, offset, flags);
}

ssize_t pwritev64(int fd, const iovec* buffers, int count, off64_t offset) {
  if (is_for_file_call(fd, count, offset, 0, 0)) {
    return write_file(file_call(fd, buffers, count, offset, 0));
  }
  return pass_through([&] { return real_pwritev(fd, buffers, count, offset); });
}

ssize_t pwritev(int fd, const iovec* buffers, int count, off_t offset) {
  return pwritev64(fd, buffers, count, offset);
}

}  // extern "C"
