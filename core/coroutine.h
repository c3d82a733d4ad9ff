// Coroutines without a scheduler: resume and yield, as in Lua.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <utility>

#include "colibri/core/launch.h"
#include "colibri/core/spawn_options.h"

namespace colibri {

/// An asymmetric, stackful coroutine: `resume` runs it until it yields, and `Coroutine::yield`
/// gives control back to whoever resumed it. Works in any thread, with or without a scheduler;
/// inside colibri::run its body may also block, which parks the resumer along with it.
///
/// Movable; resumed, yielded and destroyed on one thread only. Destroying a coroutine that has
/// begun and not ended unwinds its stack: its yield throws, and destructors run.
class Coroutine {
 public:
  /// A coroutine that will call `body()`. Errors: as new_coroutine.
  template <class Body>
  requires std::invocable < std::decay_t<Body>
  & > explicit Coroutine(Body&& body, const SpawnOptions& options = {})
      : error_(std::make_unique<std::exception_ptr>()) {
    auto call = [body = std::decay_t<Body>(std::forward<Body>(body)),
                 error = error_.get()]() mutable { run_body(body, *error); };
    adopt(new_coroutine(thread_stack_pool(), options.stack_bytes, std::move(call)), options);
  }
  Coroutine(Coroutine&& other) noexcept
      : block_(std::exchange(other.block_, nullptr)), error_(std::move(other.error_)) {}
  Coroutine& operator=(Coroutine&& other) noexcept {
    if (this != &other) {
      close();
      block_ = std::exchange(other.block_, nullptr);
      error_ = std::move(other.error_);
    }
    return *this;
  }
  ~Coroutine() { close(); }

  /// Runs the body until it yields or ends; rethrows what it threw. Ends the process with a
  /// sentence for a coroutine that has ended, runs, or is parked.
  void resume();

  /// True when the body has returned or thrown.
  bool done() const noexcept;
  CoroutineState state() const noexcept;

  /// Gives control back to the resumer of the running coroutine, until the next resume. Ends the
  /// process with a sentence where no coroutine runs, or one that a scheduler started.
  static void yield();

 private:
  /// Thrown by yield in a coroutine that is being destroyed. Not a std::exception, so that the
  /// usual handlers let it pass.
  struct Unwind {};

  template <class Body>
  static void run_body(Body& body, std::exception_ptr& error) {
    try {
      body();
    } catch (const Unwind&) {
    } catch (...) {
      error = std::current_exception();
    }
  }

  void adopt(ControlBlock* block, const SpawnOptions& options) noexcept;
  void switch_in() noexcept;
  void close() noexcept;

  ControlBlock* block_;
  std::unique_ptr<std::exception_ptr> error_;  // what the body threw
};

}  // namespace colibri
