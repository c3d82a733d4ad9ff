// The epoll loop of one scheduler: the only caller of epoll_*.
//
// Every descriptor is registered once, edge-triggered, for both directions, when somebody first
// has to wait on it; or for reading alone, by those who ask for that, until they have to write.
// What the edges said is remembered a direction:
//
//   maybe ──a try met EAGAIN, or read all there was (note_drained)──▶ drained
//   drained ──an edge──▶ maybe
//
// Who finds "drained" parks without a system call; who finds "maybe" tries first. A try made
// before the edge that it races with arrives is harmless: the edge lies in the epoll set and is
// delivered at the next wait.
//
// A descriptor's life is counted in generations: an event of an earlier one is dropped, so a
// number that was closed and given out anew never gets its predecessor's events.
#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>

#include "colibri/core/descriptor_map.h"
#include "colibri/core/engine.h"
#include "colibri/core/internal_descriptor.h"
#include "colibri/core/small_lock.h"
#include "colibri/core/wait_list.h"

namespace colibri {

class RingEngine;
struct ControlBlock;

enum class Direction : std::uint8_t { kRead, kWrite };

/// What one loop knows of one descriptor. The loop's thread only, but for the atomics, by which
/// whoever closes the descriptor on another thread says so. See ring_engine.h for the operations.
struct alignas(64) DescriptorState {
  WaitList readers;
  WaitList writers;
  std::uint16_t generation;
  std::atomic<bool> registered;
  std::atomic<bool> look_again;  // who waits is to try again, since the close may have been missed
  bool read_drained;
  bool write_drained;
  bool reads_only;  // registered without the edges of kWrite: to be had by watch_writes
  bool hung_up;     // the peer closed or failed, or urgent data came: a short read proves nothing
  bool expects_empty;          // the last receive by the ring found that no more was there: a hint
  std::atomic<bool> operated;  // operations may be with the ring
  ControlBlock* receiver;      // whose receive is with the ring
  ControlBlock* sender;        // whose send is

  WaitList& waiters(Direction direction) noexcept {
    return direction == Direction::kRead ? readers : writers;
  }
  bool& drained(Direction direction) noexcept {
    return direction == Direction::kRead ? read_drained : write_drained;
  }
};

static_assert(sizeof(DescriptorState) == 64);

/// What comes back with an event: where the state lies, and in the 16 bits that addresses of
/// programs leave free, its generation. An event that is 65,536 generations late would pass for a
/// present one, and wake somebody who looks and parks again.
inline std::uint64_t tag_of(const DescriptorState& state) noexcept {
  return (std::uint64_t{state.generation} << 48) | reinterpret_cast<std::uintptr_t>(&state);
}
inline DescriptorState* state_of(std::uint64_t tag) noexcept {
  return reinterpret_cast<DescriptorState*>(tag & ((std::uint64_t{1} << 48) - 1));
}

class EventLoop {
 public:
  static constexpr std::int64_t kNoAlarm = std::numeric_limits<std::int64_t>::max();

  /// Throws std::system_error when the kernel gives no descriptor. Where it has no io_uring, epoll
  /// serves, and the log says so.
  explicit EventLoop(Engine engine = Engine::kEpoll);
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// What is known of `descriptor`; null if nothing. Stays where it is as long as the loop lives.
  DescriptorState* find(int descriptor) const noexcept { return states_.find(descriptor); }

  /// The same, but makes it known. Null if there is no memory.
  DescriptorState* find_or_create(int descriptor) noexcept {
    return states_.find_or_create(descriptor);
  }

  /// What receives and sends for coroutines; null: they do so themselves.
  RingEngine* ring() const noexcept { return ring_.get(); }

  /// Registers `descriptor` unless it is. Null on failure, with errno: EPERM for files that epoll
  /// refuses because they are always ready, EBADF, ENOMEM, ENOSPC (fs.epoll.max_user_watches).
  DescriptorState* attach(int descriptor) noexcept {
    DescriptorState* state = states_.find(descriptor);
    if (state != nullptr && state->registered.load(std::memory_order_acquire)) [[likely]]
      return state;
    return attach_slowly(descriptor);
  }

  /// The same, but registers for reading alone: no edge says that what was sent has been taken, as
  /// sockets of datagrams have one for each. Nobody may wait to write before watch_writes.
  DescriptorState* attach_for_reading(int descriptor) noexcept {
    DescriptorState* state = states_.find(descriptor);
    if (state != nullptr && state->registered.load(std::memory_order_acquire)) [[likely]]
      return state;
    return attach_slowly(descriptor, true);
  }
  /// From now on there are edges of both directions, if `descriptor` is registered; the first comes
  /// at once, if it can be written to. Keeps errno.
  void watch_writes(int descriptor) noexcept;

  /// The descriptor is about to be closed, or its number has changed its meaning: takes it out and
  /// wakes those who wait on it with WakeReason::kClosed.
  void detach(int descriptor) noexcept;

  /// Waits until something is ready, `wake` is called, a signal arrives or `timeout` (nanoseconds;
  /// negative: for ever) is over, and unparks whom it concerns.
  void wait(std::int64_t timeout) noexcept;

  /// Ends a wait, now or the next one. Any thread, and signal handlers.
  void wake() noexcept;

  /// A duplicate of the epoll descriptor, for another loop to watch; the caller's. -1 with errno.
  int duplicate() const noexcept;
  /// Grows when the epoll set is another one, as in the child of a fork; duplicates of before are
  /// then of no use any more.
  std::uint32_t generation() const noexcept { return generation_; }

  /// From now on the epoll descriptor can be made readable at a point in time. Throws
  /// std::system_error when the kernel gives no descriptor.
  void make_alarm();
  /// Makes it so at `when`, in nanoseconds of the monotonic clock; 0: at once; kNoAlarm: at no
  /// time. The last call counts. A system call, but for a time that is set already and yet to come.
  void set_alarm(std::int64_t when) noexcept;

  /// Around a fork: no other thread is in the midst of changing the list of loops, nor that of
  /// internal descriptors, when the child gets its copy.
  static void before_fork() noexcept;
  static void after_fork() noexcept;

  /// In the child of a fork: a new epoll set of the child's own. Nobody waits any more. If there is
  /// no descriptor for it, the next wait tries again.
  void restart_in_child() noexcept;

  /// The same where no coroutine made the fork: the child has no schedulers.
  static void forget_all_in_child() noexcept;

  /// `descriptor` is about to be closed: detaches it from the loops of other threads too. Any
  /// thread. After the close, closed_everywhere must follow.
  static void detach_everywhere(int descriptor) noexcept;

  /// What any loop knows has smaller numbers. Any thread.
  static unsigned end_of_numbers() noexcept;

  /// `descriptor` has been closed: those on other threads who began to wait on it after it was
  /// detached and before it was closed are woken with WakeReason::kFired, and find out. So may be
  /// those who wait on a new descriptor of the same number; they park again.
  static void closed_everywhere(int descriptor) noexcept;

 private:
  void open();
  bool try_open() noexcept;
  void open_alarm();
  void open_ring();
  void watch(const InternalDescriptor& descriptor, std::uint32_t events);
  void close_all() noexcept;
  void rebuild() noexcept;
  void dispatch(std::uint64_t tag, std::uint32_t events) noexcept;
  void dispatch_all(const epoll_event* events, int count) noexcept;
  DescriptorState* attach_slowly(int descriptor, bool reads_only = false) noexcept;
  bool add(int descriptor, DescriptorState& state) noexcept;
  bool register_anew(int descriptor, DescriptorState& state) noexcept;
  int call_epoll_wait(epoll_event* events, int capacity, std::int64_t timeout) noexcept;
  bool wait_for_ring(std::int64_t& timeout) noexcept;
  void wake_waiters(DescriptorState& state) noexcept;
  void enter_list() noexcept;
  void leave_list() noexcept;
  void be_alone_in_list() noexcept;
  void detach_from_outside(int descriptor) noexcept;
  template <class Visit>
  static void for_each_other(Visit visit) noexcept;
  void look_again_from_outside(int descriptor) noexcept;
  void sweep() noexcept;

  // Of all threads.
  static inline constinit SmallLock loops_lock_;
  static inline constinit EventLoop* loops_ = nullptr;
  static inline constinit std::atomic<int> loop_count_{0};

  InternalDescriptor epoll_;
  InternalDescriptor wake_;
  const Engine engine_;
  std::unique_ptr<RingEngine> ring_;
  InternalDescriptor alarm_;  // a timer of the kernel's, for loops that others drive
  bool has_alarm_ = false;
  std::uint32_t generation_ = 0;
  std::int64_t alarm_time_ = kNoAlarm;
  DescriptorMap<DescriptorState> states_;
  std::atomic<bool> sweep_needed_{false};
  bool precise_wait_ = true;  // epoll_pwait2 exists (Linux 5.11)
  EventLoop* next_loop_ = nullptr;
};

}  // namespace colibri
