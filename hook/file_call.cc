#include "colibri/hook/file_call.h"

#include <linux/magic.h>
#include <sys/uio.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "colibri/hook/program_memory.h"

namespace colibri {
namespace {

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
  return offset < 0 ? real::read(number, buffer, size)
                    : real::pread64(number, buffer, size, offset);
}

ssize_t plain_write(int number, const void* buffer, std::size_t size, off64_t offset) noexcept {
  return offset < 0 ? real::write(number, buffer, size)
                    : real::pwrite64(number, buffer, size, offset);
}

constexpr std::size_t kMost = 0x7ffff000;  // that the kernel moves in one call

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
  if (!lies_on_shared_stack(buffer, size)) {
    return on_file_helper(number, [=] { return plain_read(number, buffer, size, offset); });
  }
  // In one piece where the position counts: others may move it between two.
  const std::size_t most = offset < 0 ? size : std::min(size, kPiece);
  const Bounce room(most);
  if (room.get() == nullptr) return plain_read(number, buffer, size, offset);
  std::size_t done = 0;
  while (done < size) {
    const std::size_t piece = std::min(size - done, most);
    const ssize_t got =
        on_file_helper(number, [number, to = room.get(), piece, at = advanced(offset, done)] {
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

ssize_t write_by_helper(int number, const void* buffer, std::size_t size, off64_t offset) {
  if (!lies_on_shared_stack(buffer, size)) {
    return on_file_helper(number, [=] { return plain_write(number, buffer, size, offset); });
  }
  // In one piece, since what is appended must stay together.
  const Bounce room(size);
  if (room.get() == nullptr) return plain_write(number, buffer, size, offset);
  std::memcpy(room.get(), buffer, size);
  return on_file_helper(number, [number, from = room.get(), size, offset] {
    return plain_write(number, from, size, offset);
  });
}

ssize_t write_on_helper(int number, const void* buffer, std::size_t size, off64_t offset) {
  const ssize_t put = write_by_helper(number, buffer, size, offset);
  // Whoever goes beyond RLIMIT_FSIZE gets SIGXFSZ, but helpers take no signals. Nothing has been
  // written, and the try of this thread fails at once, too.
  return put < 0 && errno == EFBIG ? plain_write(number, buffer, size, offset) : put;
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

/// True if a call with RWF_NOWAIT said that it would have to wait, or that it cannot tell.
bool must_wait(int error) noexcept {
  return error == EAGAIN || error == EOPNOTSUPP || error == ENOSYS;
}

/// Takes back what a call has moved the file's position by. Calls by the position go whole or not
/// at all, so that the kernel's own lock of it keeps those of several coroutines apart.
void step_back(int number, std::size_t moved) noexcept {
  lseek64(number, -static_cast<off64_t>(moved), SEEK_CUR);
}

/// Goes on with a read where memory has no more, as errno says.
ssize_t read_rest(int number, char* bytes, std::size_t size, off64_t offset, std::size_t done) {
  const bool needs_no_helper = errno != EAGAIN && lies_in_memory(number);
  if (offset < 0 && done != 0) {
    step_back(number, done);
    done = 0;
  }
  const auto read_on = needs_no_helper ? &plain_read : &read_on_helper;
  const ssize_t got = read_on(number, bytes + done, size - done, advanced(offset, done));
  if (got < 0 && done == 0) return -1;
  return static_cast<ssize_t>(done) + std::max<ssize_t>(got, 0);
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
  const KeptErrno kept;
  if (!may_begin()) return -1;
  auto* const bytes = static_cast<char*>(buffer);
  std::size_t done = 0;
  while (done < std::min(size, kMost)) {
    const iovec rest{bytes + done, size - done};
    const ssize_t got = real::preadv2(number, &rest, 1, advanced(offset, done), RWF_NOWAIT);
    if (got < 0 && must_wait(errno)) return kept(read_rest(number, bytes, size, offset, done));
    if (got < 0 && done == 0) return -1;
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  note_copied(done);
  return kept(static_cast<ssize_t>(done));
}

ssize_t write_file(int number, const void* buffer, std::size_t size, off64_t offset) {
  const KeptErrno kept;
  if (!may_begin()) return -1;
  if (must_go_whole(number)) return kept(write_on_helper(number, buffer, size, offset));
  const iovec whole{const_cast<void*>(buffer), size};
  const ssize_t put = real::pwritev2(number, &whole, 1, offset, RWF_NOWAIT);
  if (put < 0 && !must_wait(errno)) return -1;
  if (put < 0 && errno != EAGAIN && lies_in_memory(number)) {
    return kept(plain_write(number, buffer, size, offset));
  }
  if (put == static_cast<ssize_t>(std::min(size, kMost))) {
    note_copied(static_cast<std::size_t>(put));
    return put;
  }
  // The whole once more, since only the kernel knows what kept it from writing the rest: a wait, a
  // limit or a full disk.
  if (put > 0 && offset < 0) step_back(number, static_cast<std::size_t>(put));
  return kept(write_on_helper(number, buffer, size, offset));
}

}  // namespace colibri
