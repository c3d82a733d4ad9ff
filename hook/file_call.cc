#include "colibri/hook/file_call.h"

#include <linux/magic.h>
#include <sys/uio.h>
#include <sys/vfs.h>

#include <algorithm>
#include <memory>
#include <new>

#include "colibri/core/stack_of.h"
#include "colibri/hook/buffers.h"
#include "colibri/hook/program_memory.h"

namespace colibri {
namespace {

using Transfer = RealFunction<ssize_t(int, const iovec*, int, off64_t, int)>;

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

/// What is left of the program's buffers, in memory that helpers may look at.
class Rest {
 public:
  /// The buffers have been looked at by the kernel, or by sum_program_buffers.
  Rest(const FileBuffers& buffers, std::size_t done)
      : pieces_(new (std::nothrow) iovec[buffers.count]) {
    if (pieces_ == nullptr) return;
    for (std::size_t i = 0; i < buffers.count; ++i) {
      iovec piece = buffers.pieces[i];
      const std::size_t gone = std::min(done, piece.iov_len);
      done -= gone;
      piece.iov_base = static_cast<char*>(piece.iov_base) + gone;
      piece.iov_len -= gone;
      if (piece.iov_len == 0) continue;
      pieces_[count_++] = piece;
      size_ += piece.iov_len;
      bounces_ |= must_bounce(piece.iov_base, piece.iov_len);
    }
  }

  bool is_known() const noexcept { return pieces_ != nullptr; }
  const iovec* pieces() const noexcept { return pieces_.get(); }
  int count() const noexcept { return static_cast<int>(count_); }
  std::size_t size() const noexcept { return size_; }
  /// True if a part of it lies on the caller's shared stack.
  bool bounces() const noexcept { return bounces_; }

  /// Copies `size` bytes between `bytes` and the place `at` of these buffers by `copy(piece, bytes,
  /// size)`. False where it says that an address is bad.
  template <class Copy>
  bool copy(std::size_t at, char* bytes, std::size_t size, Copy copy_piece) const {
    for (std::size_t i = 0; i < count_ && size != 0; ++i) {
      const std::size_t skipped = std::min(at, pieces_[i].iov_len);
      at -= skipped;
      const std::size_t part = std::min(size, pieces_[i].iov_len - skipped);
      if (!copy_piece(static_cast<char*>(pieces_[i].iov_base) + skipped, bytes, part)) return false;
      bytes += part;
      size -= part;
    }
    return true;
  }

 private:
  const std::unique_ptr<iovec[]> pieces_;
  std::size_t count_ = 0;
  std::size_t size_ = 0;
  bool bounces_ = false;
};

/// One buffer that is no program's.
ssize_t transfer_one(const Transfer& real, int number, char* bytes, std::size_t size,
                     off64_t offset, int flags) {
  return on_file_helper([&real, number, bytes, size, offset, flags] {
    const iovec one{bytes, size};
    return real(number, &one, 1, offset, flags);
  });
}

ssize_t read_bounced(int number, const Rest& rest, off64_t offset, int flags) {
  const Bounce room(std::min(rest.size(), kPiece));
  if (room.get() == nullptr) return fail_with_errno(ENOMEM);
  std::size_t done = 0;
  while (done < rest.size()) {
    const std::size_t piece = std::min(rest.size() - done, kPiece);
    const ssize_t got =
        transfer_one(real::preadv2, number, room.get(), piece, advanced(offset, done), flags);
    if (got < 0 && done == 0) return got;
    if (got <= 0) break;
    const bool good =
        rest.copy(done, room.get(), static_cast<std::size_t>(got), &write_program_memory);
    if (!good) return fail_with_errno(EFAULT);
    done += static_cast<std::size_t>(got);
    if (static_cast<std::size_t>(got) < piece) break;
  }
  return static_cast<ssize_t>(done);
}

/// In one piece, since what is appended must stay together.
ssize_t write_bounced(int number, const Rest& rest, off64_t offset, int flags) {
  const Bounce room(rest.size());
  if (room.get() == nullptr) return fail_with_errno(ENOMEM);
  const auto fetch = [](const void* piece, void* bytes, std::size_t size) {
    return read_program_memory(bytes, piece, size);
  };
  if (!rest.copy(0, room.get(), rest.size(), fetch)) return fail_with_errno(EFAULT);
  return transfer_one(real::pwritev2, number, room.get(), rest.size(), offset, flags);
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

/// True if the kernel would refuse the array of buffers.
bool has_bad_buffers(const FileCall& call) noexcept {
  std::size_t total = 0;
  return !sum_program_buffers(call.buffers.pieces, call.buffers.count, total);
}

/// Moves what is left after `done` bytes on a helper, or on this thread where that is as good or
/// there is no memory for anything else. The array of buffers is good.
template <class Bounced>
ssize_t finish(const Transfer& real, const FileCall& call, std::size_t done, bool on_this_thread,
               Bounced bounced) {
  const off64_t offset = advanced(call.offset, done);
  const Rest rest(call.buffers, done);
  if (!rest.is_known()) return done == 0 ? call.make(real) : 0;
  const auto plain = [&] {
    return real(call.number, rest.pieces(), rest.count(), offset, call.flags);
  };
  if (on_this_thread) return plain();
  if (rest.bounces()) {
    const ssize_t moved = bounced(call.number, rest, offset, call.flags);
    return moved < 0 && errno == ENOMEM ? plain() : moved;
  }
  return on_file_helper(
      [&real, number = call.number, pieces = rest.pieces(), count = rest.count(), offset,
       flags = call.flags] { return real(number, pieces, count, offset, flags); });
}

/// `whole`: not to be tried without waiting.
template <class Bounced>
ssize_t transfer(const Transfer& real, const FileCall& call, bool whole, Bounced bounced) {
  const KeptErrno kept;
  if (!may_begin()) return -1;
  BufferCursor cursor(call.buffers.pieces, call.buffers.count);
  std::size_t done = 0;
  for (;;) {
    ssize_t moved = whole ? fail_with_errno(EAGAIN)
                          : real(call.number, cursor.data(), static_cast<int>(cursor.size()),
                                 advanced(call.offset, done), call.flags | RWF_NOWAIT);
    const bool waits = moved < 0 && (errno == EAGAIN || errno == EOPNOTSUPP || errno == ENOSYS);
    if (waits) {
      // The kernel has looked at the array of buffers if it knows the call.
      const bool is_new = done == 0 && (whole || errno == ENOSYS);
      if (is_new && has_bad_buffers(call)) return call.make(real);
      const bool on_this_thread = errno != EAGAIN && lies_in_memory(call.number);
      moved = finish(real, call, done, on_this_thread, bounced);
    }
    if (moved < 0) return kept(done != 0 ? static_cast<ssize_t>(done) : -1);
    done += static_cast<std::size_t>(moved);
    if (!waits) note_copied(static_cast<std::size_t>(moved));
    if (waits || moved == 0 || done >= total_bytes(call.buffers.pieces, call.buffers.count)) {
      return kept(static_cast<ssize_t>(done));
    }
    cursor.seek(done);
  }
}

/// Writes that reach the disk before they return know no RWF_NOWAIT worth the name, and what is
/// appended must go in one piece.
bool must_go_whole(int number, int flags) noexcept {
  if ((flags & (RWF_SYNC | RWF_DSYNC | RWF_APPEND)) != 0) return true;
  const int status = real::fcntl(number, F_GETFL);
  return status >= 0 && (status & (O_SYNC | O_DSYNC | O_DIRECT | O_APPEND)) != 0;
}

}  // namespace

bool is_file_that_may_wait(int number) noexcept {
  if (parkable_coroutine() == nullptr) return false;
  const Descriptor* descriptor = descriptor_table::look_up(number);
  return descriptor != nullptr &&
         descriptor->kind.load(std::memory_order_relaxed) == DescriptorKind::kFile;
}

ssize_t read_file(const FileCall& call) {
  return transfer(real::preadv2, call, false, &read_bounced);
}

ssize_t write_file(const FileCall& call) {
  return transfer(real::pwritev2, call, must_go_whole(call.number, call.flags), &write_bounced);
}

}  // namespace colibri
