// preadv2 and pwritev2, which are readv and writev where they are given no offset. Their kin with
// an offset are for files; what waits has none, and says so at once (ESPIPE).
#include <sys/uio.h>

#include "colibri/hook/blocking_call.h"

namespace colibri {
namespace {

/// True where the call means readv or writev, which may park.
bool is_plain(int number, off64_t offset, int flags) noexcept {
  return offset == -1 && flags == 0 && parkable_descriptor(number) != nullptr;
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

ssize_t preadv64v2(int fd, const iovec* buffers, int count, off64_t offset, int flags) {
  if (is_plain(fd, offset, flags)) return readv(fd, buffers, count);
  return pass_through([&] { return real::preadv2(fd, buffers, count, offset, flags); });
}

ssize_t preadv2(int fd, const iovec* buffers, int count, off_t offset, int flags) {
  return preadv64v2(fd, buffers, count, offset, flags);
}

ssize_t pwritev64v2(int fd, const iovec* buffers, int count, off64_t offset, int flags) {
  if (is_plain(fd, offset, flags)) return writev(fd, buffers, count);
  return pass_through([&] { return real::pwritev2(fd, buffers, count, offset, flags); });
}

ssize_t pwritev2(int fd, const iovec* buffers, int count, off_t offset, int flags) {
  return pwritev64v2(fd, buffers, count, offset, flags);
}

}  // extern "C"
