#include "colibri/hook/threads/thread_start.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <new>
#include <utility>

#include "colibri/core/coroutine_exit.h"
#include "colibri/core/launch.h"
#include "colibri/core/parking_lot.h"
#include "colibri/core/scheduler.h"
#include "colibri/hook/blocking_call.h"
#include "colibri/hook/object_kind.h"
#include "colibri/hook/own_code.h"
#include "colibri/hook/threads/native_threads.h"
#include "colibri/hook/threads/pending_signals.h"
#include "colibri/hook/threads/signal_masks.h"
#include "colibri/hook/threads/thread_variables.h"
#include "colibri/hook/threads/variable_destructors.h"

namespace colibri {
namespace {

/// A stack below this would be safe for the kernel's threads, which handle signals on it and no
/// hooks. Costs address space alone.
constexpr std::size_t kFewestStackBytes = 64 * 1024;

/// The part of the attributes that means something to a coroutine.
struct Wishes {
  bool detached = false;
  std::size_t stack_bytes = 0;
  bool names_stack = false;  // it is not the usual size
  bool of_kernel = false;    // a policy or a priority
  SignalBits signal_mask = 0;
};

std::size_t usual_stack_bytes() noexcept {
  pthread_attr_t usual;
  std::size_t bytes = 0;
  if (pthread_getattr_default_np(&usual) != 0) return 0;
  pthread_attr_getstacksize(&usual, &bytes);
  pthread_attr_destroy(&usual);
  return bytes;
}

/// The caller's.
SignalBits inherited_mask() noexcept {
  const EmulatedThread* const creator = EmulatedThread::current();
  if (creator != nullptr) return creator->signals.mask;
  sigset_t mask;
  real::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  return bits_of(mask);
}

Wishes read_attributes(const pthread_attr_t* attributes) noexcept {
  Wishes wishes;
  wishes.stack_bytes = usual_stack_bytes();
  wishes.signal_mask = inherited_mask();
  if (attributes == nullptr) return wishes;
  int number = 0;
  wishes.detached =
      pthread_attr_getdetachstate(attributes, &number) == 0 && number == PTHREAD_CREATE_DETACHED;
  std::size_t bytes = wishes.stack_bytes;
  pthread_attr_getstacksize(attributes, &bytes);
  wishes.names_stack = bytes != std::exchange(wishes.stack_bytes, bytes);
  sigset_t mask;
  if (pthread_attr_getsigmask_np(attributes, &mask) == 0) wishes.signal_mask = bits_of(mask);
  int policy = SCHED_OTHER;
  sched_param priority{};
  const bool inherits =
      pthread_attr_getinheritsched(attributes, &number) != 0 || number == PTHREAD_INHERIT_SCHED;
  pthread_attr_getschedpolicy(attributes, &policy);
  pthread_attr_getschedparam(attributes, &priority);
  wishes.of_kernel = !inherits && needs_kernel(policy, priority.sched_priority);
  return wishes;
}

SpawnOptions options_for(const Wishes& wishes) noexcept {
  if (emulated_threads::stacks_are_chosen() &&
      (!wishes.names_stack || thread_state.scheduler->has_shared_stacks())) {
    return {.name = "thread"};
  }
  const std::size_t fewest = std::max(smallest_stack_bytes(), kFewestStackBytes);
  return {.stack_bytes = std::clamp(wishes.stack_bytes, fewest, kLargestStackBytes),
          .name = "thread"};
}

void* call(EmulatedThread& thread) {
  void* const argument = thread.argument;
  if (!thread.of_c11) return reinterpret_cast<void* (*)(void*)>(thread.start)(argument);
  const auto start = reinterpret_cast<int (*)(void*)>(thread.start);
  return reinterpret_cast<void*>(static_cast<std::intptr_t>(start(argument)));
}

/// The first function on the coroutine's stack that is about the thread.
void run_thread(EmulatedThread& thread) {
  errno = 0;  // whoever ran before has left his
  try {
    thread.result = call(thread);
  } catch (...) {
    // What escapes from a thread ends the process; the coroutine's entry would only log it.
    if (!is_forced_unwind()) std::terminate();
    arrive_at_entry();
  }
  run_variable_destructors(thread);
  finish_thread(thread);
}

ControlBlock& make_coroutine(EmulatedThread& thread, const SpawnOptions& options) {
  if (!thread_variables::give(thread)) throw std::bad_alloc();
  ControlBlock& block = thread_state.scheduler->make(options, [&thread] { run_thread(thread); });
  CoroutineExtras* extras = extras_of(block);
  if (extras == nullptr) {
    discard_closure(block);
    release_coroutine(block);
    throw std::bad_alloc();
  }
  extras->thread = &thread;
  return block;
}

/// Where the code lies that a thread runs: std::thread starts all by one function of its library's,
/// with an object of a type that the caller has made.
const void* code_of(const ThreadWork& work) noexcept {
  const auto* start = reinterpret_cast<const void*>(work.start);
  if (work.argument == nullptr || kind_of_object(start) != ObjectKind::kRuntime) return start;
  return *static_cast<const void* const*>(work.argument);
}

}  // namespace

bool needs_kernel(int policy, int priority) noexcept {
  return priority != 0 || (policy != SCHED_OTHER && policy != SCHED_BATCH && policy != SCHED_IDLE);
}

bool becomes_coroutine(const ThreadWork& work) noexcept {
  if (!emulated_threads::are_on() || parkable_coroutine() == nullptr) return false;
  const void* const code = code_of(work);
  return !is_colibris_own(code) && !native_threads::include(code);
}

int start_thread(pthread_t* id, const pthread_attr_t* attributes, const ThreadWork& work) {
  const Wishes wishes = read_attributes(attributes);
  if (wishes.of_kernel) return EPERM;
  EmulatedThread* const thread = emulated_threads::acquire();
  if (thread == nullptr) return EAGAIN;
  thread->start = work.start;
  thread->argument = work.argument;
  thread->of_c11 = work.of_c11;
  thread->detached = wishes.detached;
  if (const EmulatedThread* creator = EmulatedThread::current(); creator != nullptr) {
    std::memcpy(thread->name, creator->name, sizeof thread->name);
  }
  try {
    thread->coroutine = &make_coroutine(*thread, options_for(wishes));
  } catch (const std::exception&) {
    thread_variables::take_away(*thread);
    emulated_threads::count_end(*thread);
    emulated_threads::release(*thread);
    return EAGAIN;
  }
  *id = thread->id();
  signal_masks::give(*thread, wishes.signal_mask);
  thread_state.scheduler->start(*thread->coroutine);
  return 0;
}

void note_exit_value(void* value) noexcept {
  EmulatedThread* const self = EmulatedThread::current();
  if (self == nullptr) return;
  self->cancellation.fetch_or(EmulatedThread::kEnding);
  self->result = value;
}

void finish_thread(EmulatedThread& thread) noexcept {
  // Before a joiner hears of the end: these may run for long, and belong to the thread.
  destroy_own_values(*thread_state.current);
  thread_variables::take_away(thread);
  signal_masks::take_away(thread);
  pending_signals::discard(thread.signals, ~SignalBits{0});
  bool detached;
  {
    const SmallLockGuard guard(thread.lock);
    thread.coroutine->extras->thread = nullptr;
    thread.coroutine = nullptr;
    thread.state.store(EmulatedThread::State::kEnded);
    detached = thread.detached;
  }
  // Unless it is detached, the record may be somebody else's by now: only its address is used.
  if (detached) {
    emulated_threads::release(thread);
  } else {
    ParkingLot::wake_all(&thread, [] {});
  }
  emulated_threads::count_end(thread);
}

}  // namespace colibri
