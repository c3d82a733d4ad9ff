// Waiting for what any thread may bring: the primitive under channels, locks and all that blocks
// apart from descriptors and sleep.
//
// A Waiter is who waits: a coroutine, whose waiter lies in its control block, or a plain thread. It
// takes a place in the queue of each thing that it waits for, under that thing's lock:
//
//   idle ──begin()──▶ waiting ──claimed by a firer, under the lock of its thing──▶ claimed
//   claimed ──wake() by that firer, after it has released the lock──▶ woken ──wait() returns──▶
//   idle waiting ──its time is up, or it is cancelled, and it gives up──▶ idle
//
// The first firer to claim wins. For one who waits for a single thing, taking its place out of the
// queue is the claim; one who waits for several has a word for it, which firers set by
// compare-and-swap. Who wants to give up and finds itself claimed must wait for the wake that is on
// its way (await_wake): so a waiter is never touched by the wake of an earlier wait, and the one
// message that lies in it is enough.
#pragma once

#include <atomic>
#include <cstdint>

#include "colibri/core/deadline.h"
#include "colibri/core/inbox.h"
#include "colibri/core/wait_queue.h"

namespace colibri {

class BiasedGuard;
class BiasedLock;
struct ControlBlock;
struct CoroutineExtras;
struct Mailbox;
struct ThreadState;
enum class WakeReason : std::uint8_t;

/// How a wait may end before it has what it waits for.
struct WaitTerms {
  Deadline deadline = Deadline::never();
  bool may_fail = true;  // a TimeLimit and cancel end it
  // So does a signal handler's EINTR, in main's coroutine and in threads.
  bool interruptible = false;
  bool never_restarts = false;  // if interruptible: a handler with SA_RESTART ends it, too
};

/// Methods belong to the coroutine or thread that waits, unless they say otherwise.
class Waiter : public InboxMessage {
 public:
  constexpr Waiter() noexcept = default;

  /// The running coroutine's, where it can park; otherwise the thread's. Ready for a new wait.
  static Waiter& begin() noexcept;
  /// The thread's, also in a coroutine: waiting then blocks the thread.
  static Waiter& begin_as_thread() noexcept;

  /// Puts `mine`, one of its places, into `queue`, whose `lock` is held.
  void join(WaitPlace& mine, WaitQueue& queue, BiasedLock& lock) noexcept {
    mine.queue = &queue;
    mine.lock = &lock;
    mine.sibling = stands_at_;
    stands_at_ = &mine;
    queue.push_back(mine);
  }
  /// All those places are out of their queues, or are about to be taken out.
  void forget_places() noexcept { stands_at_ = nullptr; }

  /// For a coroutine that will never run again, and must not be handed what others could use: takes
  /// its places out of all queues. On its thread, or in the child of a fork, where there is no
  /// other: then a queue that somebody was changing is left alone.
  void leave_queues(bool in_child) noexcept;

  /// Waits to be woken: kFired. Any other reason only says that the terms were not met: give up
  /// under the lock, and await_wake if that fails.
  WakeReason wait(const WaitTerms& terms) noexcept;
  /// The same right after the place was taken, inlined by force: see switch_context in context.h.
  /// Not for waits that signals interrupt.
  WakeReason wait_inlined(const WaitTerms& terms) noexcept;

  /// The same, but where a plain thread waits, pthread_cancel ends that: the frames above are
  /// unwound. The caller must then leave the queue, or pass on what it was woken for.
  WakeReason wait_cancelable(const WaitTerms& terms);

  /// Waits for a wake that is on its way.
  void await_wake() noexcept { wait({.may_fail = false}); }

  /// Any thread: who has claimed the waiter, once, holding no lock. The waiter's memory is not
  /// touched after it has been told. No system call unless its thread sleeps.
  void wake() noexcept;

  /// The same for signal handlers, too, if they came through the hooks, and for others.
  void wake_from_anywhere() noexcept;

  /// Before it takes several places, `one_of_several` all of them.
  void expect_several() noexcept { winner_.store(kNobody, std::memory_order_relaxed); }

  /// Any thread: claims one who waits for several things, for the thing with this index.
  bool claim(std::uint32_t index) noexcept {
    std::uint32_t expected = kNobody;
    return winner_.compare_exchange_strong(expected, index, std::memory_order_acq_rel);
  }
  /// Keeps firers out from now on; false if one was faster.
  bool give_up() noexcept { return claim(kGivenUp); }
  /// What it was claimed for.
  std::uint32_t winner() const noexcept { return winner_.load(std::memory_order_relaxed); }

  /// The first of the places that it has in queues, which are linked by `sibling`; null: none, or
  /// one in the parking lot. On its own thread.
  const WaitPlace* places() const noexcept { return stands_at_; }

  /// False: it blocks its thread.
  bool is_coroutine() const noexcept { return coroutine_ != nullptr; }

  /// For waits for a single thing.
  WaitPlace place;

  /// What passes on to others what the place was claimed with, if the waiter will never run again:
  /// set while it waits in the parking lot for what is given to one at a time.
  void (*pass_on)(WaitPlace&) = nullptr;

 protected:
  /// One that neither parks nor blocks: its wake calls `deliver` and then `dispose`, both on the
  /// thread of the mailbox's scheduler; only `dispose`, on any thread, if that has ended.
  explicit Waiter(Mailbox& mailbox) noexcept : mailbox_(&mailbox) { place.waiter = this; }
  void deliver() noexcept override;
  void dispose() noexcept override {}  // lies in a control block

 private:
  static constexpr std::uint32_t kNobody = 0xffffffff;
  static constexpr std::uint32_t kGivenUp = 0xfffffffe;
  static constexpr std::uint32_t kAwake = 0;
  static constexpr std::uint32_t kAsleep = 1;
  static constexpr std::uint32_t kWoken = 2;

  static CoroutineExtras* wait_for_extras() noexcept;
  void join_scheduler() noexcept;
  void wake_from_elsewhere() noexcept;
  template <class Sleep>
  WakeReason wait_as_thread(const WaitTerms& terms, Sleep sleep);

  ThreadState* thread_ = nullptr;  // a coroutine's, which never changes
  ControlBlock* coroutine_ = nullptr;
  Mailbox* mailbox_ = nullptr;      // null: a plain thread waits
  WaitPlace* stands_at_ = nullptr;  // the first of its places in queues
  std::atomic<std::uint32_t> winner_{kNobody};
  std::atomic<std::uint32_t> word_{kAwake};  // a coroutine's: written on its own thread alone
};

/// The second half of wait_at, for callers who have pushed `place` and released the guard.
WakeReason wait_queued(WaitPlace& place, WaitQueue& queue, BiasedLock& lock, BiasedGuard& guard,
                       const WaitTerms& terms) noexcept;

/// For one whose wait has failed: true, and `place` is in `queue` no longer. False: it was claimed
/// meanwhile, and has been woken.
bool leave(WaitPlace& place, WaitQueue& queue, BiasedLock& lock) noexcept;

/// As wait_at, inlined by force, but `guard` is not held when it returns. In wait.h.
WakeReason wait_at_inlined(WaitPlace& place, WaitQueue& queue, BiasedLock& lock, BiasedGuard& guard,
                           const WaitTerms& terms) noexcept;

/// Puts `place` into `queue`, releases `guard`, which holds `lock`, and waits. kFired: it was
/// claimed and woken. Otherwise the terms were not met, the place is out of the queue again, and
/// `guard` is held.
WakeReason wait_at(WaitPlace& place, WaitQueue& queue, BiasedLock& lock, BiasedGuard& guard,
                   const WaitTerms& terms) noexcept;

/// The same at the waiter's own place, with a note for whoever claims it.
WakeReason wait_in(WaitQueue& queue, BiasedLock& lock, BiasedGuard& guard, const WaitTerms& terms,
                   std::uintptr_t note = 0) noexcept;

/// Turns the outcome of a wait into what a timed call answers: false when its own deadline came
/// first. Throws Canceled, and std::system_error (timed_out) for a TimeLimit.
bool came_in_time(WakeReason reason, const char* what);

/// At the beginning of a call that may fail: throws Canceled in a cancelled coroutine and
/// std::system_error (timed_out) when a TimeLimit is over, so that loops around calls that never
/// have to wait end, too; lets others run now and then. No effect in plain threads.
void begin_call(const char* what);

}  // namespace colibri
