// A scheduler as other threads see it, and how to give it work.
#pragma once

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

#include "colibri/core/mailbox.h"
#include "colibri/core/task.h"

namespace colibri {

/// Names a scheduler. A copyable value, valid for ever; any thread.
class SchedulerHandle {
 public:
  /// The calling thread's. Ends the process with a sentence on a thread without one.
  static SchedulerHandle current();

  /// True on that scheduler's thread.
  bool is_current() const noexcept;

  friend bool operator==(const SchedulerHandle&, const SchedulerHandle&) noexcept = default;

 private:
  template <class Function>
  friend void post(const SchedulerHandle& scheduler, const SpawnOptions& options,
                   Function&& function);
  explicit SchedulerHandle(std::shared_ptr<Mailbox> mailbox) : mailbox_(std::move(mailbox)) {}
  std::shared_ptr<Mailbox> mailbox_;
};

/// Logs that a posted function could not be started.
void report_lost_post() noexcept;

/// A function on its way to another scheduler.
template <class Function>
struct PostedFunction final : InboxMessage {
  PostedFunction(const SpawnOptions& how, Function&& what)
      : options(how), function(std::move(what)) {}
  void deliver() noexcept override {
    try {
      go(options, std::move(function));
    } catch (...) {
      report_lost_post();
    }
  }
  SpawnOptions options;
  Function function;
};

/// Calls `function()` in a new coroutine of `scheduler`, as go does on the thread's own. Any thread
/// and coroutine; does not wait. If that scheduler has ended, the function is destroyed uncalled.
/// Throws std::bad_alloc and what copying the function throws.
template <class Function>
void post(const SchedulerHandle& scheduler, const SpawnOptions& options, Function&& function) {
  using Callable = std::decay_t<Function>;
  auto message = std::make_unique<PostedFunction<Callable>>(
      options, Callable(std::forward<Function>(function)));
  scheduler.mailbox_->post(message.release());
}
template <std::invocable Function>
void post(const SchedulerHandle& scheduler, Function&& function,
          SpawnSite site = SpawnSite::here()) {
  post(scheduler, SpawnOptions{.site = site}, std::forward<Function>(function));
}

}  // namespace colibri
