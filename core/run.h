// colibri::run: the door through which a program enters.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "colibri/core/launch.h"
#include "colibri/core/scheduler.h"
#include "colibri/core/task.h"

namespace colibri {

struct RunOptions {
  /// How long coroutines that were cancelled at main's end may take to end. Who takes longer is
  /// logged, with its stack, and abandoned.
  std::chrono::nanoseconds grace = std::chrono::seconds(5);
  /// Address space of main's stack, which is always a private one.
  std::size_t main_stack_bytes = 1024 * 1024;
  /// Where coroutines run that are spawned without a wish of their own: as the environment variable
  /// COLIBRI_STACK says, and if there is none, on private stacks of kDefaultStackBytes.
  StackChoice stacks = StackChoice::from_environment();
  /// By which of the kernel's interfaces; as COLIBRI_ENGINE says, and if there is none, epoll.
  /// Where the kernel or a sandbox refuses io_uring, epoll serves, and the log says so.
  Engine engine = engine_from_environment();
};

/// Calls `main()` in a coroutine on a new scheduler of this thread and returns its result (0 for
/// void, so that `int main() { return colibri::run(…); }` works); rethrows what it throws. If main
/// calls pthread_exit, the result is as Result(). When main has ended, every other coroutine is
/// cancelled and run to its end. Several threads may run at once, each its own; a thread may run
/// again later, but not inside a run. Throws std::system_error when the system gives no descriptors
/// or memory.
template <class Main>
auto run(Main&& main, const RunOptions& options = {}, SpawnSite site = SpawnSite::here()) {
  using Returned = std::invoke_result_t<Main&>;
  using Result = std::conditional_t<std::is_void_v<Returned>, int, Returned>;
  std::optional<Result> result;
  std::exception_ptr error;
  Scheduler scheduler(options.stacks, options.engine);
  auto call = [&] {
    try {
      if constexpr (std::is_void_v<Returned>) {
        std::invoke(main);
        result.emplace(0);
      } else {
        result.emplace(std::invoke(main));
      }
    } catch (...) {
      error = std::current_exception();
      if (!is_forced_unwind()) return;
      if constexpr (std::is_default_constructible_v<Result>) result.emplace();
      throw;
    }
  };
  const SpawnOptions main_options{
      .stack_bytes = options.main_stack_bytes, .name = "main", .site = site};
  scheduler.run(scheduler.make(main_options, std::move(call)), options.grace);
  if (error) std::rethrow_exception(error);
  if (!result.has_value()) refuse_without_result();
  return std::move(*result);
}

}  // namespace colibri
