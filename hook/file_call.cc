#include "colibri/hook/file_call.h"

#include <linux/magic.h>
#include <sys/uio.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "colibri/core/stack_of.h"

namespace colibri {
namespace {

constinit RealFunction real_pread{"pread64", ::pread64};
constinit RealFunction real_pwrite{"pwrite64", ::pwrite64};

/// For a file whose file system does not know RWF_NOWAIT: true if it has no disk to wait for.
bool lies_in_memory(int number) noexcept {
  struct statfs64 about {};
  if (fstatfs64(number, &about) != 0) return true;
  switch (about.f_type) {
    case PROC_SUPER_MAGIC:
    case SYSFS_MAGIC:
    case TMPFS_MAGIC:
    case RAMFS_MAGIC:
    case DEBUGFS_MAGIC:
    case TRACEFS_MAGIC:
    case CGROUP_SUPER_MAGIC:
    case CGROUP2_SUPER_MAGIC:
    case HUGETLBFS_MAGIC:
    case SECURITYFS_MAGIC:
      return true;
    default:
      return false;
  }
}

off64_t advanced(off64_t offset, std::size_t done) noexcept {
  return offset < 0 ? offset : offset + static_cast<off64_t>(done);
}

ssize_t plain_read(int number, void* buffer, std::size_t size, off64_t offset) noexcept {
  return offset < 0 ? real::read(number, buffer, size) : real_pread(number, buffer, size, offset);
}

ssize_t plain_write(int number, const void* buffer, std::size_t size, off64_t offset) noexcept {
  return offset < 0 ? real::write(number, buffer, size) : real_pwrite(number, buffer, size, offset);
}

/// What a shared stack holds lies elsewhere while its coroutine is parked. Other memory, and what
/// is none, is for the kernel to judge.
bool must_bounce(const void* buffer, std::size_t size) noexcept {
  const ControlBlock& self = *thread_state.current;
  if (!self.on_shared_stack()) return false;
  PrivateStack& stack = stack_of(self);
  const auto* begin = static_cast<const std::byte*>(buffer);
  return begin < static_cast<const std::byte*>(stack.top()) && begin + size > stack.low;
}

constexpr std::size_t kPiece = 1 << 20;  // that is bounced at once

/// Memory that stands for a buffer; aligned as O_DIRECT may want it. Null if there is none.
class Bounce {
 public:
  explicit Bounce(std::size_t size)
      : bytes_(static_cast<char*>(::operator new(size, kAlignment, std::nothrow))) {}
  ~Bounce() { ::operator delete(bytes_, kAlignment); }
  Bounce(const Bounce&) = delete;
  Bounce& operator=(const Bounce&) = delete;
  char* get() const noexcept { return bytes_; }

 private:
  static constexpr std::align_val_t kAlignment{4096};
  char* const bytes_;
};

ssize_t read_on_helper(int number, void* buffer, std::size_t size, off64_t offset) {
  if (!must_bounce(buffer, size)) {
    return on_file_helper([=] { return plain_read(number, buffer, size, offset); });
  }
  const Bounce room(std::min(size, kPiece));
  if (room.get() == nullptr) return plain_read(number, buffer, size, offset);
  std::size_t done = 0;
  while (done < size) {
    const std::size_t piece = std::min(size - done, kPiece);
    const ssize_t got =
        on_file_helper([number, to = room.get(), piece, at = advanced(offset, done)] {
          return plain_read(number, to, piece, at);
        });
    if (got < 0 && done == 0) return got;
    if (got <= 0) break;
    std::memcpy(static_cast<char*>(buffer) + done, room.get(), static_cast<std::size_t>(got));
    done += static_cast<std::size_t>(got);
    if (static_cast<std::size_t>(got) < piece) break;
  }
  return static_cast<ssize_t>(done);
}

ssize_t write_on_helper(int number, const void* buffer, std::size_t size, off64_t offset) {
  if (!must_bounce(buffer, size)) {
    return on_file_helper([=] { return plain_write(number, buffer, size, offset); });
  }
  // In one piece, since what is appended must stay together.
  const Bounce room(size);
  if (room.get() == nullptr) return plain_write(number, buffer, size, offset);
  std::memcpy(room.get(), buffer, size);
  return on_file_helper([number, from = room.get(), size, offset] {
    return plain_write(number, from, size, offset);
  });
}

/// Bytes that this thread has copied without waiting. Reading what is in memory never parks, and is
/// slow enough to keep others waiting: so whoever fills the measure lets them run.
constinit thread_local std::size_t copied = 0;

void note_copied(std::size_t size) noexcept {
  constexpr std::size_t kMeasure = 256 * 1024;
  copied += size;
  if (copied < kMeasure) return;
  copied = 0;
  thread_state.scheduler->yield_to_loop();
}

/// `attempt(done)` moves more of `size` bytes without waiting; `on_helper(done)` moves the rest,
/// and `plain(done)` does so on this thread.
template <class Attempt, class OnHelper, class Plain>
ssize_t transfer(int number, std::size_t size, Attempt attempt, OnHelper on_helper, Plain plain) {
  const KeptErrno kept;
  if (!may_begin()) return -1;
  std::size_t done = 0;
  for (;;) {
    ssize_t moved = attempt(done);
    const bool waits = moved < 0 && (errno == EAGAIN || errno == EOPNOTSUPP || errno == ENOSYS);
    if (waits) moved = errno != EAGAIN && lies_in_memory(number) ? plain(done) : on_helper(done);
    if (moved < 0) return kept(done != 0 ? static_cast<ssize_t>(done) : -1);
    done += static_cast<std::size_t>(moved);
    if (!waits) note_copied(static_cast<std::size_t>(moved));
    if (waits || moved == 0 || done >= size) return kept(static_cast<ssize_t>(done));
  }
}

/// Writes that reach the disk before they return know no RWF_NOWAIT worth the name, and what is
/// appended must go in one piece.
bool must_go_whole(int number) noexcept {
  const int flags = real::fcntl(number, F_GETFL);
  return flags >= 0 && (flags & (O_SYNC | O_DSYNC | O_DIRECT | O_APPEND)) != 0;
}

}  // namespace

bool is_file_that_may_wait(int number) noexcept {
  if (parkable_coroutine() == nullptr) return false;
  const Descriptor* descriptor = descriptor_table::look_up(number);
  return descriptor != nullptr &&
         descriptor->kind.load(std::memory_order_relaxed) == DescriptorKind::kFile;
}

ssize_t read_file(int number, void* buffer, std::size_t size, off64_t offset) {
  auto* const bytes = static_cast<char*>(buffer);
  return transfer(
      number, size,
      [=](std::size_t done) {
        const iovec rest{bytes + done, size - done};
        return real::preadv2(number, &rest, 1, advanced(offset, done), RWF_NOWAIT);
      },
      [=](std::size_t done) {
        return read_on_helper(number, bytes + done, size - done, advanced(offset, done));
      },
      [=](std::size_t done) {
        return plain_read(number, bytes + done, size - done, advanced(offset, done));
      });
}

ssize_t write_file(int number, const void* buffer, std::size_t size, off64_t offset) {
  const auto* const bytes = static_cast<const char*>(buffer);
  const bool whole = must_go_whole(number);
  return transfer(
      number, size,
      [=](std::size_t done) -> ssize_t {
        if (whole) return fail_with_errno(EAGAIN);
        const iovec rest{const_cast<char*>(bytes) + done, size - done};
        return real::pwritev2(number, &rest, 1, advanced(offset, done), RWF_NOWAIT);
      },
      [=](std::size_t done) {
        return write_on_helper(number, bytes + done, size - done, advanced(offset, done));
      },
      [=](std::size_t done) {
        return plain_write(number, bytes + done, size - done, advanced(offset, done));
      });
}

}  // namespace colibri
