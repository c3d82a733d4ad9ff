#include "colibri/core/coroutine.h"

#include <ctime>

#include "colibri/core/check.h"
#include "colibri/core/fault_signals.h"
#include "colibri/core/libc.h"
#include "colibri/core/scheduler.h"
#include "colibri/core/thread_state.h"

namespace colibri {
namespace {

/// The error of the coroutine that ended last, until its resumer has been told. Who was resumed and
/// who ended are not the same where one transferred to the other.
constinit thread_local std::exception_ptr* last_error = nullptr;

void wait_for_memory() noexcept {
  const timespec moment{0, 1'000'000};
  real::nanosleep(&moment, nullptr);
}

}  // namespace

StackPointer Coroutine::end_resumed_coroutine(ControlBlock& self) noexcept {
  self.state = CoroutineState::kDone;
  ControlBlock* resumer = self.resumer;
  thread_state.current = resumer;
  if (resumer == nullptr) {
    Flow& thread = thread_state.own_flow;
    return switch_for_good(self.sanitizer, thread.sanitizer, thread.stack_pointer);
  }
  resumer->state = CoroutineState::kRunning;
  StackPointer target = resumer->stack_pointer;
  if (!resumer->direct) {
    // Nobody else can go on before the resumer does, so a want of memory is waited out.
    while ((target = thread_state.shared_stacks->arrival(*resumer, self.stack_index)) == nullptr) {
      wait_for_memory();
    }
  }
  return switch_for_good(self.sanitizer, resumer->sanitizer, target);
}

void Coroutine::adopt() noexcept {
  watch_faults();
  block_->by_hand = true;
  block_->resumer = nullptr;
  block_->attention |= ControlBlock::kResumed;
}

bool Coroutine::switch_in_slowly(Flow& from) noexcept {
  ControlBlock* resumer = thread_state.current;
  const CoroutineState before = block_->state;
  block_->state = CoroutineState::kRunning;
  thread_state.current = block_;
  if (thread_state.shared_stacks->switch_to(from, *block_)) return true;
  thread_state.current = resumer;
  block_->state = before;
  if (resumer != nullptr) resumer->state = CoroutineState::kRunning;
  return false;
}

void Coroutine::yield_slowly() {
  ControlBlock* self = thread_state.current;
  if (!is_yieldable()) refuse_yield();
  ControlBlock* resumer = self->resumer;
  SharedStacks& stacks = *thread_state.shared_stacks;
  self->state = CoroutineState::kSuspended;
  thread_state.current = resumer;
  if (resumer == nullptr) {
    stacks.switch_to_thread(*self);
  } else {
    resumer->state = CoroutineState::kRunning;
    if (!stacks.switch_to(*self, *resumer)) {
      self->state = CoroutineState::kRunning;
      resumer->state = CoroutineState::kResuming;
      thread_state.current = self;
      throw std::bad_alloc();
    }
  }
  if ((self->attention & ControlBlock::kUnwinding) != 0) throw Unwind();
}

void Coroutine::check_resumable() const noexcept {
  check(block_ != nullptr, "Coroutine::resume called on a coroutine that was closed or moved from");
  check(thread_ == &thread_state,
        "cannot resume a coroutine on another thread than the one that made it");
  switch (block_->state) {
    case CoroutineState::kCreated:
    case CoroutineState::kSuspended:
      break;
    case CoroutineState::kDone:
      fail("cannot resume a coroutine that has ended; ask done() first");
    case CoroutineState::kRunning:
    case CoroutineState::kResuming:
      fail("cannot resume a coroutine that is running already");
    case CoroutineState::kParked:
    case CoroutineState::kReady:
      fail("cannot resume a coroutine that waits in a blocking call of its own");
  }
}

void Coroutine::rethrow_error() {
  std::exception_ptr* error = std::exchange(last_error, nullptr);
  if (error != nullptr) std::rethrow_exception(std::exchange(*error, nullptr));
}

void Coroutine::note_error(std::exception_ptr& error) noexcept {
  error = std::current_exception();
  last_error = &error;
}

void Coroutine::transfer(Coroutine& next) {
  ControlBlock* self = thread_state.current;
  check(is_yieldable(), "Coroutine::transfer called outside a coroutine that somebody resumed");
  if (next.block_ == self) return;
  next.check_resumable();
  ControlBlock& target = *next.block_;
  ControlBlock* resumer = self->resumer;
  const CoroutineState before = target.state;
  target.resumer = resumer;
  if (resumer != nullptr) resumer->resumed = &target;
  self->state = CoroutineState::kSuspended;
  self->attention |= ControlBlock::kTransferred;
  target.state = CoroutineState::kRunning;
  thread_state.current = &target;
  bool switched = true;
  if (target.direct) {
    switch_flow(*self, target);
  } else {
    switched = thread_state.shared_stacks->switch_to(*self, target);
  }
  ControlBlock& back = switched ? *thread_state.current : thread_state.shared_stacks->not_left();
  back.attention &= static_cast<std::uint8_t>(~ControlBlock::kTransferred);
  if (!switched) {
    next.block_->state = before;
    if (resumer != nullptr) resumer->resumed = &back;
    back.state = CoroutineState::kRunning;
    thread_state.current = &back;
    throw std::bad_alloc();
  }
  if ((back.attention & ControlBlock::kUnwinding) != 0) throw Unwind();
}

void Coroutine::refuse_yield() noexcept {
  check(thread_state.current != nullptr, "Coroutine::yield called outside a coroutine");
  fail(
      "Coroutine::yield called in a coroutine that nobody resumed; colibri::yield() lets others "
      "run");
}

void Coroutine::close() noexcept {
  if (block_ == nullptr) return;
  check(thread_ == &thread_state,
        "a Coroutine was destroyed on another thread than the one that made it");
  if (block_->state == CoroutineState::kSuspended) {
    block_->attention |= ControlBlock::kUnwinding;
    check(switch_in(), "no memory to copy the stack of a coroutine that is being destroyed");
    check(block_->state == CoroutineState::kDone,
          "a coroutine that is being destroyed yielded again; do not yield in destructors or in "
          "catch (...) blocks that swallow");
  }
  check(block_->state == CoroutineState::kDone || block_->state == CoroutineState::kCreated,
        "a Coroutine was destroyed while it runs or waits");
  if (block_->state == CoroutineState::kCreated) {
    discard_closure(*block_);
    // Its stack is kept for the next one, and says until then what it was used for.
    block_->state = CoroutineState::kDone;
  }
  if (thread_state.scheduler != nullptr) thread_state.scheduler->release_timer(*block_);
  release_coroutine(*block_);
  block_ = nullptr;
  thread_ = nullptr;
}

}  // namespace colibri
