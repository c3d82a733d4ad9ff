// sendfile and splice: bytes that go from one descriptor to another.
//
// Neither knows a flag that keeps it from blocking on a socket, and O_NONBLOCK would leak to all
// who share the description. So a file is sent through a buffer of our own, which can wait for
// room; splice, which has a pipe at one end, is made when both ends say that they are ready.
#include <sys/sendfile.h>

#include <algorithm>
#include <memory>
#include <new>

#include "colibri/hook/blocking_call.h"
#include "colibri/hook/program_memory.h"
#include "colibri/hook/waiting_call.h"

namespace colibri {
namespace {

constinit RealFunction real_sendfile{"sendfile64", ::sendfile64};
constinit RealFunction real_splice{"splice", ::splice};

/// Sends `size` bytes of `file` from `position` on. `moved` counts what went. False on an error,
/// with errno.
bool send_pieces(int target, int file, off64_t position, std::size_t size, std::size_t& moved) {
  constexpr std::size_t kPiece = 128 * 1024;
  const std::unique_ptr<char[]> buffer(new (std::nothrow) char[std::min(size, kPiece)]);
  if (buffer == nullptr) return fail_with_errno(ENOMEM) == 0;
  while (moved < size) {
    const std::size_t room = std::min(size - moved, kPiece);
    const ssize_t got = pread64(file, buffer.get(), room, position + static_cast<off64_t>(moved));
    if (got <= 0) return got == 0;
    const ssize_t sent = write(target, buffer.get(), static_cast<std::size_t>(got));
    if (sent > 0) moved += static_cast<std::size_t>(sent);
    if (sent < got) return false;
  }
  return true;
}

/// True where sendfile may have to wait, and can be made of pread and write.
bool may_wait(int target, int file) noexcept {
  const Descriptor* to = parkable_descriptor(target);
  const Descriptor* from = to != nullptr ? descriptor_table::look_up(file) : nullptr;
  return from != nullptr && from->kind.load(std::memory_order_relaxed) == DescriptorKind::kFile;
}

ssize_t send_file(int target, int file, off64_t* offset, std::size_t size) {
  const auto plain = [&] { return real_sendfile(target, file, offset, size); };
  if (size == 0 || !may_wait(target, file)) return pass_through(plain);
  off64_t position = 0;
  const bool known = offset != nullptr
                         ? read_argument(position, static_cast<const off64_t*>(offset))
                         : (position = lseek64(file, 0, SEEK_CUR)) >= 0;
  if (!known || position < 0) return pass_through(plain);
  const KeptErrno kept;
  std::size_t moved = 0;
  constexpr std::size_t kMost = 0x7ffff000;  // as in the kernel
  const bool good = send_pieces(target, file, position, std::min(size, kMost), moved);
  if (!good && moved == 0) return -1;
  position += static_cast<off64_t>(moved);
  if (offset != nullptr) {
    *offset = position;
  } else {
    lseek64(file, position, SEEK_SET);
  }
  return kept(static_cast<ssize_t>(moved));
}

/// Waits until the descriptor is ready. False on an error, with errno.
bool until_ready(int number, const Descriptor& descriptor, Direction direction) {
  CallSite call(number, descriptor, direction);
  const short events = direction == Direction::kRead ? POLLIN : POLLOUT;
  while (!is_ready(call.number, events)) {
    const WakeReason reason = wait_ready(call.number, call.direction, call.limits());
    if (reason == WakeReason::kUnsupported) return true;
    if (reason != WakeReason::kFired) return fail_with_errno(error_of(reason)) == 0;
  }
  return true;
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

ssize_t sendfile(int target, int file, off_t* offset, size_t size) noexcept {
  static_assert(sizeof(off_t) == sizeof(off64_t));
  return send_file(target, file, offset, size);
}

ssize_t sendfile64(int target, int file, off64_t* offset, size_t size) noexcept {
  return send_file(target, file, offset, size);
}

ssize_t splice(int from, off64_t* from_offset, int to, off64_t* to_offset, size_t size,
               unsigned flags) {
  const auto plain = [&] { return real_splice(from, from_offset, to, to_offset, size, flags); };
  if (parkable_coroutine() == nullptr || (flags & SPLICE_F_NONBLOCK) != 0 || size == 0) {
    return pass_through(plain);
  }
  const KeptErrno kept;
  if (!may_begin()) return -1;
  for (;;) {
    const Descriptor* source = parkable_descriptor(from);
    if (source != nullptr && !until_ready(from, *source, Direction::kRead)) return -1;
    const Descriptor* target = parkable_descriptor(to);
    if (target != nullptr && !until_ready(to, *target, Direction::kWrite)) return -1;
    if (source == nullptr && target == nullptr) return plain();
    const ssize_t moved =
        real_splice(from, from_offset, to, to_offset, size, flags | SPLICE_F_NONBLOCK);
    if (moved >= 0 || errno != EAGAIN) return kept(moved);
    // The program's own O_NONBLOCK at the other end.
    if (source == nullptr || target == nullptr) return plain();
  }
}

}  // extern "C"
