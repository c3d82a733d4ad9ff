// What a thread knows of itself: which coroutine runs, and its scheduler.
#pragma once

#include <locale.h>

#include "colibri/core/control_block.h"
#include "colibri/core/exception_state.h"
#include "colibri/core/hook_calls.h"

namespace colibri {

class EventLoop;
class RunQueue;
class Scheduler;
class SchedulerWatch;
class SharedStacks;
class StackPool;

struct ThreadState {
  ControlBlock* current = nullptr;  // null: the thread's own flow runs
  Scheduler* scheduler = nullptr;   // null: this thread has none
  RunQueue* run_queue = nullptr;    // the scheduler's
  EventLoop* event_loop = nullptr;  // the scheduler's
  int* errno_address = nullptr;     // these, up to entry: see prepare_thread()
  // What a flow has to put aside when it is left, if it is not empty: the record of its exceptions;
  // or, while the running coroutine has a locale of its own or somebody watches, one that is never
  // empty, so that switches, which look nowhere else, come to put that aside and to tell, too.
  ExceptionState* exceptions = nullptr;
  StackPool* stack_pool = nullptr;
  SharedStacks* shared_stacks = nullptr;
  ContextEntry entry = nullptr;      // of every coroutine
  locale_t thread_locale = nullptr;  // the thread's, while the coroutine that runs has another
  std::uint64_t last_id = 0;
  SchedulerWatch* watch = nullptr;    // the first of a chain; see add_watch
  HookCounts* hook_counts = nullptr;  // of the scheduler, while it is measured
  Flow own_flow;
  ExceptionState* own_exceptions = nullptr;  // the thread's record, wherever `exceptions` leads

  /// To be called before the thread's first switch.
  void prepare() noexcept;

  /// From now on `added` is told of each switch, until it is removed. On the thread.
  void add_watch(SchedulerWatch& added) noexcept;
  /// No effect if it was not added. Not from within a watch.
  void remove_watch(SchedulerWatch& removed) noexcept;
  /// The thread's scheduler ends: removes all, and tells them.
  void retire_watches() noexcept;
  /// The switch from `from`, which is about to be made, may have to be told.
  void tell_watch(const Flow& from) const noexcept;
  /// After a change of what `exceptions` goes by.
  void choose_exceptions() noexcept;
};

/// A coroutine never leaves its thread, so compilers may keep this address over a switch.
extern constinit thread_local ThreadState thread_state __attribute__((tls_model("initial-exec")));

/// True where a blocking call parks a coroutine: inside one, on a thread with a scheduler.
inline bool can_park() noexcept {
  return thread_state.current != nullptr && thread_state.scheduler != nullptr;
}

/// What a flow has made of the thread's state, out of sight of others while it lives: C++
/// exceptions in flight, and the locale that uselocale chose. For the switches.
class [[nodiscard]] PutAside {
 public:
  PutAside() noexcept;
  ~PutAside();
  PutAside(const PutAside&) = delete;
  PutAside& operator=(const PutAside&) = delete;

 private:
  ExceptionState exceptions_;
  locale_t locale_ = nullptr;
};

/// As libc's, for the running coroutine alone: the thread and its other coroutines keep theirs.
locale_t use_locale_in_coroutine(locale_t locale) noexcept;
/// At the end of a coroutine that has set a locale (thread_locale is not null): the thread has its
/// own again.
void leave_own_locale() noexcept;

/// The same as switch_flow, for a flow that has something to put aside, or is observed.
void switch_and_put_aside(Flow& from, Flow& to) noexcept;

/// The switch itself, for flows that have nothing to put aside.
[[gnu::always_inline]] inline void switch_flow_alone(Flow& from, Flow& to) noexcept {
  const int saved_errno = *thread_state.errno_address;
  from.sanitizer.before_switch(to.sanitizer, false);
  switch_context(&from.stack_pointer, to.stack_pointer);
  from.sanitizer.after_switch();
  *thread_state.errno_address = saved_errno;
}

/// Runs `to` until something switches back to `from`, the running flow. errno and the record of
/// C++ exceptions are kept for `from`. A coroutine that is not direct is for
/// SharedStacks::switch_to.
[[gnu::always_inline]] inline void switch_flow(Flow& from, Flow& to) noexcept {
  // Every flow leaves the thread's record empty, so only a full one has to be put aside.
  if (!thread_state.exceptions->empty()) [[unlikely]] {
    switch_and_put_aside(from, to);
    return;
  }
  switch_flow_alone(from, to);
}

/// For a flow that has ended, on whose stack the caller still is: the stack pointer that its entry
/// must return so that `to`, suspended at `target`, runs next.
inline StackPointer switch_for_good([[maybe_unused]] SanitizerFlow& from,
                                    [[maybe_unused]] SanitizerFlow& to,
                                    StackPointer target) noexcept {
  if constexpr (kAddressSanitizer || kThreadSanitizer) {
    // What the sanitizers add to a function's return must not run after they heard of the switch.
    StackPointer nobody_returns_here;
    from.before_switch(to, true);
    colibri_context_switch(&nobody_returns_here, target);
    __builtin_unreachable();
  }
  return target;
}

}  // namespace colibri
