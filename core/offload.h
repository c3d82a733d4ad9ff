// offload: calls that block the thread, on a helper thread.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "colibri/core/future.h"

namespace colibri {

/// What helper threads are asked to do. Lies in the heap.
struct HelperJob {
  virtual ~HelperJob() = default;
  virtual void run() noexcept = 0;
};

/// Bounds of the process's helper threads.
struct OffloadLimits {
  std::size_t threads = 16;   // at most, for offload()
  std::size_t queued = 1024;  // jobs that wait for a thread
};

/// To be set before the first offload, while there is one thread: it makes the process
/// multi-threaded. Ends the process with a sentence afterwards.
void set_offload_limits(const OffloadLimits& limits);

/// Helper threads by what they may be asked to do, so that one kind never waits behind another.
/// Signals are blocked in all of them: handlers run where the program's own threads are.
enum class HelperSet : std::uint8_t {
  kGeneral,    // offload(): as many threads as OffloadLimits says
  kFiles,      // calls that end by themselves: 16
  kNames,      // resolvers, which may wait long for a server that is away: 64
  kUnbounded,  // calls that wait for others (locks, processes): a thread for each
};

/// How many there are.
inline constexpr std::size_t kHelperSets = 4;

/// What one set of helper threads does at the moment.
struct HelperFigures {
  std::size_t threads = 0;  // that there are
  std::size_t idle = 0;     // of those
  std::size_t queued = 0;   // jobs that no thread has yet
  std::uint64_t jobs = 0;   // that a thread has taken, ever
};

/// Any thread; takes no lock, so that the numbers may be a moment apart.
HelperFigures helper_figures(HelperSet set) noexcept;

/// Hands `job` to a helper thread, and starts one if none is idle and the limits allow it. Any
/// thread. Throws std::system_error (resource_unavailable_try_again) when the queue is full or no
/// thread can be started; the job is then destroyed.
void submit_to_helper(std::unique_ptr<HelperJob> job, HelperSet set = HelperSet::kGeneral);

/// Jobs that have been submitted and not finished, of the whole process. Any thread.
std::size_t helper_jobs_under_way() noexcept;

template <class Result, class Function>
struct OffloadedCall final : HelperJob {
  template <class Given>
  explicit OffloadedCall(Given&& given) : function(std::forward<Given>(given)) {}
  void run() noexcept override { keep(promise, function); }
  Function function;
  Promise<Result> promise;
};

/// Calls `function()` on a helper thread while the coroutine is parked, and returns its result or
/// rethrows what it throws. For calls that block and cannot be made to park, and that end by
/// themselves: a bounded number of threads serves all. Outside a coroutine it just calls.
///
/// The wait is ended neither by cancel nor by a TimeLimit. The function must not refer to the
/// caller's own variables if the coroutine runs on a shared stack: capture by value.
///
/// Errors: as submit_to_helper; the function was not called then.
template <std::invocable Function>
auto offload(Function&& function) {
  using Result = std::invoke_result_t<std::decay_t<Function>&>;
  if (!can_park()) return std::invoke(function);
  auto job = std::make_unique<OffloadedCall<Result, std::decay_t<Function>>>(
      std::forward<Function>(function));
  Future<Result> future = job->promise.future();
  submit_to_helper(std::move(job));
  future.wait_regardless();
  return future.take_ready();
}

}  // namespace colibri
