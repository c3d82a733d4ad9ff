#include "colibri/core/launch.h"

#include <atomic>
#include <exception>

#include "colibri/core/canceled.h"
#include "colibri/core/coroutine_exit.h"
#include "colibri/core/coroutine_report.h"
#include "colibri/core/identity.h"
#include "colibri/core/local.h"
#include "colibri/core/specific_values.h"
#include "colibri/core/stack_usage.h"
#include "colibri/core/thread_state.h"

namespace colibri {
namespace {

constinit std::atomic<std::uint64_t> batches_of_ids{0};

}  // namespace

// Threads take ids in batches: the shared counter is touched once in a thousand spawns.
std::uint64_t next_batch_of_ids() noexcept {
  return batches_of_ids.fetch_add(1, std::memory_order_relaxed) * kIdsInABatch;
}

bool any_coroutine_yet() noexcept {
  return batches_of_ids.load(std::memory_order_relaxed) != 0;
}

void destroy_own_values(ControlBlock& block) noexcept {
  if (block.extras == nullptr) [[likely]]
    return;
  destroy_locals(block.extras->locals);
  if (block.extras->specific != nullptr) {
    // As in a thread: these come last. But what they use on the way must not be left behind.
    destroy_specific_values(block);
    destroy_locals(block.extras->locals);
  }
  forget_name(block);
}

namespace {

/// In a handler: what has ended the running coroutine's function.
[[gnu::noinline]] void end_by_exception() {
  if (is_forced_unwind()) return arrive_at_entry();
  try {
    throw;
  } catch (const Canceled&) {
    // The usual way for a cancelled coroutine to end.
  } catch (const std::exception& error) {
    report_escaped_exception(*thread_state.current, error.what());
  } catch (...) {
    report_escaped_exception(*thread_state.current, "not derived from std::exception");
  }
}

[[gnu::noinline]] StackPointer end_coroutine(EndFunction end) {
  ControlBlock& self = *thread_state.current;
  destroy_own_values(self);
  if (thread_state.thread_locale != nullptr) [[unlikely]]
    leave_own_locale();
  if (stack_usage_is_measured.load(std::memory_order_relaxed)) [[unlikely]]
    note_stack_usage(self);
  return end(self);
}

}  // namespace

// Its frame lies on every stack, and is copied with each that is shared: so it keeps one word.
StackPointer coroutine_entry(void* /*unused*/) {
  ControlBlock& beginner = *thread_state.current;
  beginner.sanitizer.after_switch();
  const Closure::Type& type = *static_cast<Closure*>(beginner.storage)->type;
  try {
    type.run(beginner);
  } catch (...) {
    end_by_exception();
  }
  return end_coroutine(type.end);
}

void prepare_thread() {
  if (thread_state.stack_pool != nullptr) return;
  thread_state.prepare();
  thread_state.entry = &coroutine_entry;
  thread_state.stack_pool = &thread_stack_pool();
  thread_state.shared_stacks = &thread_shared_stacks();
}

void discard_closure(ControlBlock& block) noexcept {
  auto& closure = *static_cast<Closure*>(block.storage);
  closure.type->destroy(closure);
  if (block.extras != nullptr) {
    destroy_locals(block.extras->locals);
    forget_name(block);
  }
  block.sanitizer.discard();
}

CoroutineExtras* extras_of(ControlBlock& block) noexcept {
  if (block.extras != nullptr) [[likely]]
    return block.extras;
  if (block.on_shared_stack()) return thread_state.shared_stacks->make_extras(block);
  block.extras = ::new (reinterpret_cast<PrivateTop&>(block).extras) CoroutineExtras;
  block.extras->timer.coroutine = &block;
  return block.extras;
}

void detail::refuse_large_closure() {
  throw std::invalid_argument(
      "the function object and arguments of a coroutine take more than half of its stack");
}

}  // namespace colibri
