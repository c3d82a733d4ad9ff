// What a connection has received before anybody asked for it.
//
// A receive of the ring that goes on by itself puts what comes into buffers of the engine's stock,
// where it stays until it is read:
//
//   kIdle ──begin──▶ kReceiving
//   kReceiving ──bytes──▶ kReceiving, and they are kept
//   kReceiving ──kMostKept buffers are full──▶ kStopping
//   kReceiving, kStopping ──the kernel's last word: the stream has ended or failed, no buffer was
//                           left, it was cancelled──▶ kIdle
//
// While it is not kIdle, nobody else may take from the socket: what is kept comes first, and what
// the kernel may be about to take. Only the calls of net know of it; what a raw call, a child
// process or another thread reads is what comes behind. So it is for connections whose owner wants
// it; see StreamSocket::set_receive_ahead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "colibri/core/wait_list.h"

struct io_uring_cqe;

namespace colibri {

class RingEngine;
struct DescriptorState;

/// Of one connection. Belongs to the thread where `begin` was called first, until `stop`, which
/// must be called there; what was received by then may be taken on any thread.
class alignas(8) ReceivedAhead {
 public:
  /// Of so many buffers, however small the pieces, a connection has at most this many and those
  /// that one turn fills before it is stopped.
  static constexpr unsigned kMostKept = 16;

  ReceivedAhead() noexcept = default;
  /// Whoever waits in it gets WakeReason::kClosed; what was not taken is lost.
  ~ReceivedAhead();
  ReceivedAhead(const ReceivedAhead&) = delete;
  ReceivedAhead& operator=(const ReceivedAhead&) = delete;

  /// Begins to receive from the stream socket `descriptor`, which stays open until `stop` or the
  /// end of this. When it is idle and nothing is kept. False: this thread has no ring, or that has
  /// no room, or too few buffers are left; the caller is to receive by itself.
  bool begin(int descriptor) noexcept;
  bool is_receiving() const noexcept { return phase_ != Phase::kIdle; }

  /// Has the kernel deliver what is there: a system call. If it is receiving.
  void look() noexcept;

  /// How many bytes are kept.
  std::size_t size() const noexcept { return size_; }
  /// Copies the first bytes out: how many.
  std::size_t take(void* buffer, std::size_t size) noexcept { return copy(buffer, size, true); }
  std::size_t peek(void* buffer, std::size_t size) noexcept { return copy(buffer, size, false); }
  /// How the connection has failed, once, when all bytes are taken; 0: it has not.
  int take_error() noexcept;
  bool has_error() const noexcept { return error_ != 0; }
  /// True if the last bytes that came were all that there were: a hint.
  bool expects_empty() const noexcept { return expects_empty_; }
  void note_direct_receive(bool was_short) noexcept { expects_empty_ = was_short; }

  /// Ends it, and returns when it has ended; `begin` does nothing from now on. What is kept can be
  /// taken still; if there is no memory for that, it is lost, and take_error says ENOMEM.
  void stop() noexcept;
  bool is_stopped() const noexcept { return stopped_; }
  /// It was stopped, and there is nothing left to be taken.
  bool is_over() const noexcept { return stopped_ && size_ == 0 && error_ == 0; }
  /// The opposite.
  void allow() noexcept { stopped_ = false; }

  /// Those who wait for bytes; woken with kCompleted when some come, or the end.
  WaitList& waiters() noexcept { return waiters_; }

 private:
  friend class RingEngine;
  enum class Phase : std::uint8_t { kIdle, kReceiving, kStopping };

  void complete(const io_uring_cqe& completion) noexcept;
  void keep(std::uint16_t buffer, std::uint16_t size) noexcept;
  std::size_t copy(void* buffer, std::size_t size, bool taken) noexcept;
  std::size_t copy_of_rest(void* buffer, std::size_t size, bool taken) noexcept;
  void drop_first() noexcept;
  void check_thread() const noexcept;
  void end_receiving() noexcept;
  void keep_rest() noexcept;
  void forget() noexcept;

  WaitList waiters_;
  RingEngine* ring_ = nullptr;  // null: it never began, or was stopped
  DescriptorState* state_ = nullptr;
  std::size_t index_ = 0;        // among those of the ring
  std::vector<std::byte> rest_;  // what was kept when it was stopped
  std::size_t size_ = 0;
  int error_ = 0;
  std::uint16_t first_ = 0;  // of the buffers that hold what is kept
  std::uint16_t last_ = 0;
  std::uint16_t count_ = 0;
  std::uint16_t taken_ = 0;  // of the first
  Phase phase_ = Phase::kIdle;
  bool expects_empty_ = false;
  bool stopped_ = false;
};

}  // namespace colibri
