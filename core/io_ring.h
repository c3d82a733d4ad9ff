// The two queues that io_uring shares with the kernel, and nothing of what is done with them; the
// only caller of io_uring_*.
//
// The system calls are called here and not through liburing: what is loaded into strangers'
// processes brings no library with it, and the one file that would be saved is this one. The layout
// is the kernel's, see io_uring_setup(2) and io_uring_enter(2).
#pragma once

#include <linux/io_uring.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "colibri/core/internal_descriptor.h"

namespace colibri {

/// Memory shared with the kernel, or with whoever else must find it in its place: the child of a
/// fork does not have it.
class UnforkedMemory {
 public:
  UnforkedMemory() noexcept = default;
  ~UnforkedMemory();
  UnforkedMemory(const UnforkedMemory&) = delete;
  UnforkedMemory& operator=(const UnforkedMemory&) = delete;

  /// Maps `bytes` of `descriptor` from `offset` on; of no file if that is -1. Throws
  /// std::system_error.
  void map(std::size_t bytes, int descriptor, std::int64_t offset);
  /// In the child of a fork: it is not there any more.
  void forget() noexcept { memory_ = nullptr; }

  template <class Object>
  Object* at(std::size_t offset) const noexcept {
    return reinterpret_cast<Object*>(static_cast<std::byte*>(memory_) + offset);
  }

 private:
  void* memory_ = nullptr;
  std::size_t bytes_ = 0;
};

/// Belongs to the thread that made it.
class IoRing {
 public:
  /// Throws std::system_error where the kernel, a sysctl or a sandbox refuses io_uring, or the
  /// kernel is older than Linux 6.1: it must defer its work until it is asked for completions.
  IoRing();
  IoRing(const IoRing&) = delete;
  IoRing& operator=(const IoRing&) = delete;

  /// A place for one submission, all zero; submits those before it if there is no room. Null only
  /// if the kernel takes none at present.
  io_uring_sqe* next_entry() noexcept;

  /// Submissions that the kernel has not seen yet.
  unsigned unsubmitted() const noexcept {
    return tail_ - std::atomic_ref(*submission_head_).load(std::memory_order_acquire);
  }

  /// Submits, has the kernel do what it has put off, and, if there is no completion then, waits for
  /// one: at most `timeout` nanoseconds, negative for ever. False with errno; EINTR, ETIME and
  /// EBUSY (take completions first) are nothing to worry about.
  bool enter(std::int64_t timeout) noexcept;

  bool has_completions() const noexcept {
    return head_ != std::atomic_ref(*completion_tail_).load(std::memory_order_acquire);
  }

  /// Calls visit(const io_uring_cqe&) for each completion that is there. `visit` may submit.
  template <class Visit>
  void take_completions(Visit visit) {
    const unsigned end = std::atomic_ref(*completion_tail_).load(std::memory_order_acquire);
    for (; head_ != end;
         std::atomic_ref(*completion_head_).store(head_, std::memory_order_release)) {
      const io_uring_cqe completion = completions_[head_ & completion_mask_];
      ++head_;
      visit(completion);
    }
  }

  /// Has the kernel choose where to put what it receives among buffers that lie in `ring`, of
  /// `entries`, a power of two. Throws std::system_error.
  void register_buffers(io_uring_buf_ring* ring, unsigned entries, std::uint16_t group);

  /// In the child of a fork: lets go of what is the parent's.
  void forget() noexcept;

 private:
  void set_up(io_uring_params& parameters);
  void map_queues(const io_uring_params& parameters);
  void register_ring() noexcept;

  InternalDescriptor ring_;
  int registered_ = -1;  // the ring's place among those of this thread
  UnforkedMemory queues_;
  UnforkedMemory entries_memory_;
  unsigned tail_ = 0;  // of submissions: the kernel sees it when they are submitted
  unsigned head_ = 0;  // of completions
  unsigned entry_count_ = 0;
  unsigned completion_mask_ = 0;
  unsigned* submission_head_ = nullptr;
  unsigned* submission_tail_ = nullptr;
  unsigned* completion_head_ = nullptr;
  unsigned* completion_tail_ = nullptr;
  io_uring_sqe* entries_ = nullptr;
  io_uring_cqe* completions_ = nullptr;
};

}  // namespace colibri
