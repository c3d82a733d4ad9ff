// How C++20 coroutines wait for what colibri's coroutines wait for, without the language's part of
// it (stackless.h), which not every compiler has.
//
// A C++20 coroutine has no stack that could be parked: when its wait is over, somebody has to call
// it. That is done by carriers, coroutines of the scheduler on which it began to wait: so it may
// call blocking functions, and holds up nobody but its carrier. There is one carrier, and for the
// time that it is blocked, another.
#pragma once

#include <atomic>
#include <memory>

#include "colibri/core/timer_queue.h"
#include "colibri/core/waiter.h"

namespace colibri {

class StacklessRunner;

/// One wait of a C++20 coroutine. In the heap, and not in the coroutine's frame, which may be
/// destroyed while a wake is on its way. Held by the coroutine's awaiter and by whoever will wake
/// it.
class StacklessWait final : public Waiter {
 public:
  using Resume = void (*)(void* frame);

  /// The caller holds it. `resume(frame)` will be called in a coroutine of this thread's scheduler,
  /// once it was woken. Ends the process with a sentence on a thread without scheduler; throws
  /// std::bad_alloc, and std::system_error when there is no memory for a stack.
  static StacklessWait* make(void* frame, Resume resume);

  /// One more who holds it: who will wake it. Before its place is in a queue.
  void hold() noexcept { holders_.fetch_add(1, std::memory_order_relaxed); }
  /// One less. Any thread.
  void release() noexcept;
  /// The coroutine goes on, or its frame is destroyed: it will not be resumed by this wait. For its
  /// awaiter, on the scheduler's thread; releases it.
  void abandon() noexcept;
  /// Wakes it on its own thread.
  void wake_here() noexcept;
  /// Takes over `object`, which who wakes it may still look at. At most once.
  template <class T>
  void keep(T& object) noexcept {
    kept_ = &object;
    destroy_kept_ = [](void* kept) { delete static_cast<T*>(kept); };
  }

 private:
  friend class StacklessRunner;
  StacklessWait(void* frame, Resume resume, Mailbox& mailbox) noexcept;
  void deliver() noexcept override;
  void dispose() noexcept override { release(); }
  ~StacklessWait() override {
    if (kept_ != nullptr) destroy_kept_(kept_);
  }

  void* frame_;  // null: abandoned
  Resume resume_;
  StacklessWait* next_ready_ = nullptr;
  void* kept_ = nullptr;
  void (*destroy_kept_)(void* kept) = nullptr;
  std::atomic<int> holders_{1};
};

/// A sleep of a C++20 coroutine. Belongs to its awaiter; one thread's.
class StacklessSleep {
 public:
  /// As StacklessWait::make.
  StacklessSleep(void* frame, StacklessWait::Resume resume, Deadline deadline);
  ~StacklessSleep();
  StacklessSleep(const StacklessSleep&) = delete;
  StacklessSleep& operator=(const StacklessSleep&) = delete;

 private:
  struct Alarm;
  std::unique_ptr<Alarm> alarm_;
};

}  // namespace colibri
