#include "colibri/hook/file_call.h"

#include <linux/magic.h>
#include <sys/uio.h>
#include <sys/vfs.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "colibri/core/ring_transfer.h"
#include "colibri/hook/buffers.h"
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

constexpr std::size_t kMost = 0x7ffff000;  // that the kernel moves in one call

/// How much a call moves if nothing is in its way.
std::size_t whole_of(const FileCall& call) noexcept {
  return std::min(total_bytes(call.buffers.pieces, call.buffers.count), kMost);
}

/// Memory of the heap's, aligned as O_DIRECT may want it.
class AlignedMemory {
 public:
  AlignedMemory() = default;
  ~AlignedMemory() { ::operator delete(bytes_, kAlignment); }
  AlignedMemory(const AlignedMemory&) = delete;
  AlignedMemory& operator=(const AlignedMemory&) = delete;

  /// Once. Null if there is none.
  char* allocate(std::size_t size) noexcept {
    bytes_ = static_cast<char*>(::operator new(size, kAlignment, std::nothrow));
    return bytes_;
  }

 private:
  static constexpr std::align_val_t kAlignment{4096};
  char* bytes_ = nullptr;
};

/// What is left of a call, as a helper can make it: the array of buffers lies in the heap, and
/// where one of them is another's while the caller is parked, memory of the heap's stands for it.
/// All in one call, since others may write, or move the file's position, between two.
class CallForHelper {
 public:
  /// `call` without its first `done` bytes. The kernel must have found the array good.
  CallForHelper(const FileCall& call, std::size_t done) noexcept
      : theirs_(new (std::nothrow) iovec[call.buffers.count]),
        ours_(new (std::nothrow) iovec[call.buffers.count]),
        call_{call.number, {ours_.get(), 0}, advanced(call.offset, done), call.flags} {
    if (theirs_ != nullptr && ours_ != nullptr) is_ready_ = stand_in(take_rest(call.buffers, done));
  }

  /// False for want of memory.
  bool is_ready() const noexcept { return is_ready_; }

  /// Holds as long as this object.
  const FileCall& get() const noexcept { return call_; }

  /// Before a write: fetches the program's bytes. False for a bad address.
  bool fetch() const noexcept {
    for (std::size_t i = 0; i < call_.buffers.count; ++i) {
      const auto& [bytes, size] = theirs_[i];
      if (is_stood_for(i) && !read_program_memory(ours_[i].iov_base, bytes, size)) return false;
    }
    return true;
  }

  /// After a read of `size` bytes: gives them to the program. False for a bad address.
  bool deliver(std::size_t size) const noexcept {
    for (std::size_t i = 0; size != 0; ++i) {
      const auto& [bytes, room] = theirs_[i];
      const std::size_t part = std::min(size, room);
      if (is_stood_for(i) && !write_program_memory(bytes, ours_[i].iov_base, part)) return false;
      size -= part;
    }
    return true;
  }

 private:
  bool is_stood_for(std::size_t i) const noexcept {
    return ours_[i].iov_base != theirs_[i].iov_base;
  }

  /// Takes the program's buffers, without their first `done` bytes. How many of the others lie on
  /// the caller's shared stack, or among its thread-local variables.
  std::size_t take_rest(const FileBuffers& program, std::size_t done) noexcept {
    std::size_t elsewhere = 0;
    for (std::size_t i = 0; i < program.count; ++i) {
      const auto [bytes, size] = program.pieces[i];
      const std::size_t gone = std::min(done, size);
      done -= gone;
      if (gone == size) continue;
      const iovec rest{static_cast<char*>(bytes) + gone, size - gone};
      if (is_anothers_while_parked(rest.iov_base, rest.iov_len)) elsewhere += rest.iov_len;
      theirs_[call_.buffers.count] = ours_[call_.buffers.count] = rest;
      ++call_.buffers.count;
    }
    return elsewhere;
  }

  /// Puts memory in the place of the buffers that lie there, `size` bytes in all.
  bool stand_in(std::size_t size) noexcept {
    if (size == 0) return true;
    char* room = room_.allocate(size);
    if (room == nullptr) return false;
    for (std::size_t i = 0; i < call_.buffers.count; ++i) {
      if (!is_anothers_while_parked(theirs_[i].iov_base, theirs_[i].iov_len)) continue;
      ours_[i].iov_base = room;
      room += theirs_[i].iov_len;
    }
    return true;
  }

  const std::unique_ptr<iovec[]> theirs_;
  const std::unique_ptr<iovec[]> ours_;
  AlignedMemory room_;
  FileCall call_;
  bool is_ready_ = false;
};

/// True if the kernel would refuse the array of buffers.
bool has_bad_buffers(const FileCall& call) noexcept {
  std::size_t total = 0;
  return !sum_program_buffers(call.buffers.pieces, call.buffers.count, total);
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

/// Transfers by the position of a file that helpers have in hand, of the whole process.
constinit std::atomic<int> transfers_by_position{0};

/// While it lives, a helper makes such a call.
class [[nodiscard]] MovesPosition {
 public:
  explicit MovesPosition(const FileCall& call) noexcept : moves_(call.offset < 0 ? 1 : 0) {
    transfers_by_position.fetch_add(moves_);
  }
  ~MovesPosition() { transfers_by_position.fetch_sub(moves_); }
  MovesPosition(const MovesPosition&) = delete;
  MovesPosition& operator=(const MovesPosition&) = delete;

 private:
  const int moves_;
};

/// True if nobody else reads or writes by a position while the calling coroutine does not park: no
/// helper, and no other scheduler's thread that has ever done so.
bool positions_are_ours() noexcept {
  constinit static std::atomic<int> threads{0};
  constinit static thread_local bool is_counted = false;
  if (!std::exchange(is_counted, true)) threads.fetch_add(1);
  return threads.load() == 1 && transfers_by_position.load() == 0;
}

/// Takes back what a call has moved the file's position by.
void step_back(int number, std::size_t moved) noexcept {
  lseek64(number, -static_cast<off64_t>(moved), SEEK_CUR);
}

/// After such a failure: true if there is nothing to wait for, or no helper can be given the call.
/// Whatever has said EAGAIN knows RWF_NOWAIT, and has looked at the array of buffers before.
bool needs_no_helper(const FileCall& call, int error) noexcept {
  return error != EAGAIN && (lies_in_memory(call.number) || has_bad_buffers(call));
}

/// Has the ring read, where there is one, and a helper otherwise. Not the ring where the file
/// stands: it does not take the kernel's lock of the position.
ssize_t read_elsewhere(const FileCall& call) {
  if (thread_state.event_loop->ring() != nullptr && call.offset >= 0) {
    const auto result = read_file_by_ring(call.number, {call.buffers.pieces, call.buffers.count},
                                          call.offset, call.flags);
    if (result.has_value()) return *result;
  }
  return on_file_helper(call.number, [call] { return call.make(real::preadv2); });
}

/// Goes on with a read where memory has no more, as errno says. The result of the whole.
ssize_t read_rest(const FileCall& call, std::size_t done) {
  if (needs_no_helper(call, errno)) return call.make(real::preadv2);
  const CallForHelper rest(call, done);
  if (!rest.is_ready()) return call.make(real::preadv2);
  const MovesPosition moves(call);
  const ssize_t got = read_elsewhere(rest.get());
  if (got > 0 && !rest.deliver(static_cast<std::size_t>(got))) return fail_with_errno(EFAULT);
  if (got < 0 && done == 0) return -1;
  return static_cast<ssize_t>(done) + std::max<ssize_t>(got, 0);
}

/// A read at an offset, as far as memory has what is asked for. None, with the reason in errno, if
/// there is more to wait for after `done` bytes.
std::optional<ssize_t> read_from_memory(const FileCall& call, std::size_t& done) noexcept {
  BufferCursor cursor(call.buffers.pieces, call.buffers.count);
  for (;;) {
    const FileCall rest{
        call.number, {cursor.data(), cursor.size()}, advanced(call.offset, done), call.flags};
    const ssize_t got = rest.try_now(real::preadv2);
    if (got < 0 && must_wait(errno)) return std::nullopt;
    if (got < 0 && done == 0) return -1;
    done += static_cast<std::size_t>(std::max<ssize_t>(got, 0));
    if (got <= 0 || done >= whole_of(call)) return static_cast<ssize_t>(done);
    cursor.seek(done);
  }
}

ssize_t read_at_offset(const FileCall& call) {
  std::size_t done = 0;
  const std::optional<ssize_t> result = read_from_memory(call, done);
  return result.has_value() ? *result : read_rest(call, done);
}

/// Reads the `size` bytes at `offset`, which the file's position has moved over for this call
/// alone: one buffer after the other, since nobody else reads there.
ssize_t read_claimed(const FileCall& call, off64_t offset, std::size_t size) {
  std::size_t done = 0;
  ssize_t got = 1;
  for (const iovec* next = call.buffers.pieces; done != size && got > 0; ++next) {
    const iovec part{next->iov_base, std::min(next->iov_len, size - done)};
    if (part.iov_len == 0) continue;
    got = read_at_offset({call.number, {&part, 1}, advanced(offset, done), call.flags});
    done += static_cast<std::size_t>(std::max<ssize_t>(got, 0));
  }
  if (done != size) step_back(call.number, size - done);
  return done == 0 && got < 0 ? -1 : static_cast<ssize_t>(done);
}

/// A read where the file stands, while others may move that: what is in memory is read without
/// moving it, and then it moves over that in one step.
ssize_t read_and_claim(const FileCall& call) {
  const off64_t place = lseek64(call.number, 0, SEEK_CUR);
  if (place < 0) return call.make(real::preadv2);
  std::size_t done = 0;
  const auto result = read_from_memory({call.number, call.buffers, place, call.flags}, done);
  if (!result.has_value()) return read_rest(call, 0);
  if (*result <= 0) return *result;
  const off64_t claimed = lseek64(call.number, *result, SEEK_CUR) - *result;
  // Somebody else was faster, and has what was read here.
  if (claimed != place) [[unlikely]]
    return read_claimed(call, claimed, done);
  return *result;
}

/// A read where the file stands. The kernel keeps those of several threads apart, whole call from
/// whole call, and so must those of coroutines be: what is not in memory is one call of a helper's.
ssize_t read_where_it_stands(const FileCall& call) {
  if (!positions_are_ours()) return read_and_claim(call);
  std::size_t done = 0;
  const std::optional<ssize_t> result = read_from_memory(call, done);
  if (result.has_value()) return *result;
  if (done != 0) step_back(call.number, done);
  return read_rest(call, 0);
}

/// Has a helper write the whole. The kernel must have found the array of buffers good.
ssize_t write_on_helper(const FileCall& call) {
  const CallForHelper whole(call, 0);
  const auto on_this_thread = [&] { return call.make(real::pwritev2); };
  if (!whole.is_ready() || !whole.fetch()) return on_this_thread();
  const MovesPosition moves(call);
  return write_on_file_helper(
      call.number, [ours = whole.get()] { return ours.make(real::pwritev2); }, on_this_thread);
}

/// Writes that reach the disk before they return know no RWF_NOWAIT worth the name, and what is
/// appended must go in one piece.
bool must_go_whole(const FileCall& call) noexcept {
  if ((call.flags & (RWF_SYNC | RWF_DSYNC | RWF_APPEND)) != 0) return true;
  // A part of it could not be taken back before others see it.
  if (call.offset < 0 && !positions_are_ours() && !lies_in_memory(call.number)) return true;
  const int status = real::fcntl(call.number, F_GETFL);
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
  const KeptErrno kept;
  if (!may_begin()) return -1;
  const ssize_t got = call.offset < 0 ? read_where_it_stands(call) : read_at_offset(call);
  if (got > 0) note_copied(static_cast<std::size_t>(got));
  return kept(got);
}

ssize_t write_file(const FileCall& call) {
  const KeptErrno kept;
  if (!may_begin()) return -1;
  if (must_go_whole(call)) {
    return kept(has_bad_buffers(call) ? call.make(real::pwritev2) : write_on_helper(call));
  }
  const ssize_t put = call.try_now(real::pwritev2);
  if (put < 0 && !must_wait(errno)) return -1;
  if (put < 0 && needs_no_helper(call, errno)) return kept(call.make(real::pwritev2));
  const auto done = static_cast<std::size_t>(std::max<ssize_t>(put, 0));
  if (put >= 0 && done == whole_of(call)) {
    note_copied(done);
    return kept(put);
  }
  // The whole once more, since only the kernel knows what kept it from writing the rest: a wait, a
  // limit or a full disk.
  if (put > 0 && call.offset < 0) step_back(call.number, done);
  return kept(write_on_helper(call));
}

}  // namespace colibri
