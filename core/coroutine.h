// Coroutines without a scheduler: resume and yield, as in Lua.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <utility>

#include "colibri/core/coroutine_exit.h"
#include "colibri/core/launch.h"
#include "colibri/core/spawn_options.h"
#include "colibri/core/thread_state.h"

namespace colibri {

/// An asymmetric, stackful coroutine: `resume` runs it until it yields, and `Coroutine::yield`
/// gives control back to whoever resumed it. Works in any thread, with or without a scheduler;
/// inside colibri::run its body may also block, which parks the resumer along with it.
///
/// Movable; belongs to the thread that made it, as long as that lives: resuming and destroying it
/// on another ends the process with a sentence. Destroying a coroutine that has begun and not ended
/// unwinds its stack: its yield throws, and destructors run.
class Coroutine {
 public:
  /// A coroutine that will call `body()`; on a private stack, unless the options name a shared
  /// one. Errors: as new_coroutine.
  template <class Body>
  requires std::invocable < std::decay_t<Body>
  & > explicit Coroutine(Body&& body, const SpawnOptions& options = {})
      : thread_(&thread_state),
  error_(std::make_unique<std::exception_ptr>()) {
    auto call = [body = std::decay_t<Body>(std::forward<Body>(body)),
                 error = error_.get()]() mutable { run_body(body, *error); };
    block_ = new_coroutine<&end_resumed_coroutine>(options, {}, std::move(call));
    adopt();
  }
  Coroutine(Coroutine&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)),
        thread_(std::exchange(other.thread_, nullptr)),
        error_(std::move(other.error_)) {}
  Coroutine& operator=(Coroutine&& other) noexcept {
    if (this != &other) {
      close();
      block_ = std::exchange(other.block_, nullptr);
      thread_ = std::exchange(other.thread_, nullptr);
      error_ = std::move(other.error_);
    }
    return *this;
  }
  ~Coroutine() { close(); }

  /// Runs the body until it yields or ends; rethrows what it threw. Ends the process with a
  /// sentence for a coroutine that has ended, runs, is parked, or is another thread's. Throws
  /// std::bad_alloc when shared stacks are in use and there is no memory to copy one; nothing has
  /// run then.
  void resume() {
    if (thread_ != &thread_state || block_->state != CoroutineState::kSuspended) [[unlikely]] {
      check_resumable();
    }
    if (!switch_in()) [[unlikely]]
      throw std::bad_alloc();
    rethrow_if_ended();
  }

  /// True when the body has returned or thrown, or was unwound.
  bool done() const noexcept { return state() == CoroutineState::kDone; }
  CoroutineState state() const noexcept {
    return block_ == nullptr ? CoroutineState::kDone : block_->state;
  }
  /// True in the body, but not in coroutines that it resumes.
  bool is_current() const noexcept { return block_ != nullptr && thread_state.current == block_; }

  /// Unwinds the body where it stands, or lets go of one that has not begun; then it is done. Ends
  /// the process with a sentence for one that runs or is parked.
  void close() noexcept;

  /// True where yield may be called: in a coroutine that somebody resumed.
  static bool is_yieldable() noexcept {
    ControlBlock* self = thread_state.current;
    return self != nullptr && self->by_hand;
  }

  /// Gives control back to the resumer of the running coroutine, until the next resume. Ends the
  /// process with a sentence where no coroutine runs, or one that a scheduler started. Throws
  /// std::bad_alloc as resume does.
  static void yield() {
    ControlBlock* self = thread_state.current;
    if (self == nullptr || !self->by_hand) [[unlikely]]
      return yield_slowly();
    yield_from(*self);
  }

  /// Symmetric: suspends the running coroutine and continues `next` in its place, whoever had
  /// resumed which. When `next` (or whom it transfers to) yields or ends, control goes back to the
  /// resumer of this one, whose resume rethrows what ended it. Returns when somebody transfers to
  /// or resumes this one again. Ends the process with a sentence where yield would, and for a
  /// `next` that resume would refuse.
  static void transfer(Coroutine& next);

 private:
  template <class Out, class In>
  friend class GeneratorState;

  /// Thrown by yield in a coroutine that is being destroyed. Not a std::exception, so that the
  /// usual handlers let it pass.
  struct Unwind {};

  template <class Body>
  static void run_body(Body& body, std::exception_ptr& error) {
    try {
      body();
    } catch (const Unwind&) {
    } catch (...) {
      if (is_forced_unwind()) throw;
      note_error(error);
    }
  }
  static void note_error(std::exception_ptr& error) noexcept;

  /// yield of `self`, the running coroutine, which somebody resumed.
  static void yield_from(ControlBlock& self) {
    ControlBlock* resumer = self.resumer;
    // Also to the thread itself from here, so that all ways go by one jump.
    Flow* to = &thread_state.own_flow;
    // Not direct: in check mode.
    if (!self.direct || (resumer != nullptr && !resumer->direct)) [[unlikely]]
      return yield_slowly();
    if (resumer != nullptr) {
      resumer->state = CoroutineState::kRunning;
      to = resumer;
    }
    self.state = CoroutineState::kSuspended;
    thread_state.current = resumer;
    switch_flow(self, *to);
    if ((self.attention & ControlBlock::kUnwinding) != 0) [[unlikely]]
      throw Unwind();
  }

  /// resume for one that stands at a yield; false, and nothing has happened, for any other. To be
  /// followed by rethrow_if_ended, unless it is known to have yielded.
  bool resume_at_yield() {
    if (thread_ != &thread_state || block_->state != CoroutineState::kSuspended) [[unlikely]]
      return false;
    if (!switch_in()) [[unlikely]]
      throw std::bad_alloc();
    return true;
  }
  void rethrow_if_ended() {
    // It has ended, or what gave control back is one that it transferred to.
    if (block_->state == CoroutineState::kDone ||
        (block_->attention & ControlBlock::kTransferred) != 0) [[unlikely]]
      rethrow_error();
  }

  /// False when there is no memory to bring its bytes onto a shared stack.
  bool switch_in() {
    ThreadState& thread = thread_state;
    ControlBlock* resumer = thread.current;
    block_->resumer = resumer;
    Flow* from = &thread.own_flow;
    if (resumer != nullptr) {
      resumer->state = CoroutineState::kResuming;
      resumer->resumed = block_;
      from = resumer;
    }
    if (!block_->direct) [[unlikely]]
      return switch_in_slowly(*from);
    block_->state = CoroutineState::kRunning;
    thread.current = block_;
    switch_flow(*from, *block_);
    return true;
  }

  static StackPointer end_resumed_coroutine(ControlBlock& self) noexcept;
  [[noreturn]] static void refuse_yield() noexcept;
  static void yield_slowly();
  bool switch_in_slowly(Flow& from) noexcept;
  void check_resumable() const noexcept;
  void rethrow_error();
  void adopt() noexcept;

  ControlBlock* block_;
  ThreadState* thread_;                        // whose it is; null when `block_` is
  std::unique_ptr<std::exception_ptr> error_;  // what the body threw
};

}  // namespace colibri
