// Receiving and sending by io_uring, for the coroutines of one scheduler.
//
// Beside the epoll set, and not in its place: readiness, and with it poll, accept, connect and all
// that is not mentioned here, stays with EventLoop; the ring watches the epoll set as one more
// descriptor. What goes by the ring are the two calls that a connection makes again and again, and
// reads of files that have to wait for a disk. All that the ready coroutines of one turn ask for is
// one system call:
//
//   a coroutine ──receive, send──▶ an entry in the queue, and it parks ──the turn ends: enter──▶
//   the kernel does it, or does it when it can ──a completion──▶ its outcome is put into the
//   coroutine's control block, and it is ready
//
// A receive is with the kernel only while a coroutine waits in it, so nothing is taken out of a
// socket that nobody asked for. The kernel puts the bytes where the coroutine wants them; but never
// onto a shared stack, where others' bytes lie by then: for that it takes one of ReceiveBuffers,
// and what is sent from there is a copy. Who stops waiting (its time is up, it is cancelled, the
// descriptor is closed) has the receive cancelled and awaits that, since until then its memory is
// the kernel's: if bytes were faster, they are its own.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "colibri/core/event_loop.h"
#include "colibri/core/io_ring.h"
#include "colibri/core/receive_buffers.h"
#include "colibri/core/thread_state.h"

namespace colibri {

/// How often what happened, since the engine began.
struct RingCounts {
  std::uint64_t receives = 0;
  std::uint64_t sends = 0;
  std::uint64_t copied_receives = 0;  // to or from a shared stack, by way of a copy
  std::uint64_t copied_sends = 0;
  std::uint64_t cancels = 0;
  std::uint64_t without_buffer = 0;  // receives for which no buffer was left
  std::uint64_t file_reads = 0;
  std::uint64_t begun_ahead = 0;     // receives that go on by themselves; see received_ahead.h
  std::uint64_t received_ahead = 0;  // pieces that those have brought
};

class ReceivedAhead;

/// A buffer with bytes that were received ahead, and the one behind it.
struct KeptPiece {
  std::uint16_t size;
  std::uint16_t next;
};

/// Belongs to the scheduler's thread.
class RingEngine {
 public:
  /// For a loop whose epoll descriptor is `epoll`, which must outlive the engine. Throws
  /// std::system_error as IoRing does.
  explicit RingEngine(const InternalDescriptor& epoll);
  /// What was received ahead is still there to be read.
  ~RingEngine();
  RingEngine(const RingEngine&) = delete;
  RingEngine& operator=(const RingEngine&) = delete;

  /// Asks for at most `size` bytes, for the running coroutine, which must park until kCompleted
  /// comes, and then take the outcome. They go to `buffer`; null: to a buffer of the engine's, from
  /// which take_received copies them. One at a time a descriptor, see DescriptorState::receiver.
  /// False if the ring takes nothing at present.
  bool submit_receive(DescriptorState& state, int descriptor, void* buffer,
                      std::size_t size) noexcept;

  /// The receive of `state` ends early, with -ECANCELED, unless bytes are faster.
  void cancel_receive(DescriptorState& state) noexcept;

  /// For the coroutine that was woken with kCompleted, at once. Bytes; 0: the end of the stream;
  /// -errno. -EAGAIN: no buffer was left.
  std::int32_t take_received(void* buffer, std::size_t size) noexcept;

  /// Asks for what send with MSG_DONTWAIT and MSG_NOSIGNAL does, for the running coroutine, which
  /// must park until kCompleted comes with sent_result. Likewise. Of a copy: at most kMostCopied.
  bool submit_send(DescriptorState& state, int descriptor, const void* buffer, std::size_t size,
                   bool copied) noexcept;
  /// Bytes, or -errno.
  static std::int32_t sent_result() noexcept { return thread_state.current->wait_note.descriptor; }

  /// Has the kernel do what preadv2 does, at an offset of its own, for the running coroutine, which
  /// must park until kCompleted comes with sent_result. Where the bytes go must stay until then,
  /// and not lie on a shared stack. Is under way when this returns, whoever closes the descriptor.
  /// False if the ring takes nothing at present.
  bool submit_file_read(int descriptor, std::span<const iovec> buffers, off64_t offset,
                        int flags) noexcept;

  static constexpr std::size_t kMostCopied = 4096;

  /// For receives into buffers of the engine's.
  static constexpr unsigned kReceiveBuffers = 256;
  static constexpr std::size_t kReceiveBufferBytes = 4096;
  /// For what is received ahead, of all connections.
  static constexpr unsigned kAheadBuffers = 1024;
  static constexpr std::size_t kAheadBufferBytes = 2048;

  /// Takes what the kernel has done, without waiting: a system call.
  void look() noexcept;

  /// The descriptor is about to be closed: does what was asked for before, and cancels the receive
  /// that waits, which ends with -ECANCELED; or, for kFired in place of kClosed, with -EAGAIN: it
  /// is to look whether it was closed.
  void release(DescriptorState& state, WakeReason reason) noexcept;

  /// The loop's wait: everything that was asked for is handed to the kernel, and who is done is
  /// unparked. `timeout` as EventLoop::wait. True if the epoll set has events.
  bool wait(std::int64_t timeout) noexcept;

  /// The epoll set is another one.
  void watch_epoll() noexcept;
  /// The epoll set was not emptied: the next wait does not wait.
  void look_again() noexcept { epoll_has_events_ = true; }

  /// `coroutine` will never run again: what it waited for is nobody's.
  void forget(DescriptorState& state, const ControlBlock& coroutine) noexcept;

  /// In the child of a fork, before it is destroyed there.
  void forget_all() noexcept;

  const RingCounts& counts() const noexcept { return counts_; }

 private:
  friend class ReceivedAhead;

  bool enter(ReceivedAhead& ahead) noexcept;
  void leave(const ReceivedAhead& ahead) noexcept;
  bool submit_ahead(ReceivedAhead& ahead, int descriptor) noexcept;
  void cancel_ahead(const ReceivedAhead& ahead) noexcept;
  void cancel(std::uint64_t tag) noexcept;
  void complete_all() noexcept;
  void complete(const io_uring_cqe& completion) noexcept;
  void complete_receive(DescriptorState& state, const io_uring_cqe& completion) noexcept;
  void complete_send(DescriptorState& state, const io_uring_cqe& completion) noexcept;
  const void* copy_to_send(const void* bytes, std::size_t size) noexcept;

  const InternalDescriptor& epoll_;  // its number may change
  IoRing ring_;
  ReceiveBuffers buffers_;
  bool epoll_has_events_ = false;
  bool has_them_look_ = false;  // those whose receives are cancelled now
  std::vector<std::unique_ptr<std::byte[]>>
      copies_;                     // each kMostCopied; those up to copies_in_use_
  std::size_t copies_in_use_ = 0;  // hold what the next enter sends
  // For receiving ahead; nothing before somebody does.
  std::vector<ReceivedAhead*> aheads_;
  std::optional<ReceiveBuffers> ahead_buffers_;
  std::vector<KeptPiece> kept_;  // by the number of its buffer
  unsigned kept_count_ = 0;
  RingCounts counts_;
};

}  // namespace colibri
