// Runtime: several schedulers, one a thread.
#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "colibri/core/event.h"
#include "colibri/core/future.h"
#include "colibri/core/run.h"
#include "colibri/core/scheduler_handle.h"

namespace colibri {

/// Which scheduler of a Runtime gets a new coroutine.
enum class Placement {
  kRoundRobin,
  kLeastLoaded,  // fewest coroutines alive of those that the runtime placed
};

struct RuntimeOptions {
  /// 0: as many as the process may use processors.
  std::size_t threads = 0;
  /// Keeps each thread on a processor of its own, as far as there are enough.
  bool pinned = false;
  Placement placement = Placement::kRoundRobin;
  /// At the end: how long coroutines that were cancelled may take to end; see RunOptions.
  std::chrono::nanoseconds grace = std::chrono::seconds(5);
};

/// Threads with a scheduler each. A coroutine stays on the one where it was placed, from beginning
/// to end. Methods may be called by any thread and coroutine, also of other schedulers; only the
/// destructor must not run on a thread of the runtime.
class Runtime {
 public:
  /// Returns when all schedulers run. Throws std::system_error when the system gives no thread or
  /// descriptor; those that had begun have ended by then. Ends the process with a sentence in a run
  /// with a seed, see colibri/testing.h.
  explicit Runtime(const RuntimeOptions& options);
  explicit Runtime(std::size_t threads) : Runtime(RuntimeOptions{.threads = threads}) {}
  /// Cancels every coroutine, runs them to their end, and joins the threads.
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  /// How many threads.
  std::size_t size() const noexcept { return workers_.size(); }
  /// The scheduler with number `index`, below size(): for post and go.
  SchedulerHandle scheduler(std::size_t index) const { return *workers_.at(index)->handle; }

  /// Calls `function(arguments...)` in a new coroutine, on a scheduler chosen by the placement.
  /// Function and arguments are moved or copied to it, and destroyed there. Does not wait.
  template <class Function, class... Arguments>
  requires std::invocable<std::decay_t<Function>, std::decay_t<Arguments>...>
  void go(Function&& function, Arguments&&... arguments) {
    Worker& worker = choose();
    worker.load->fetch_add(1, std::memory_order_relaxed);
    post(*worker.handle, SpawnOptions{},
         [counted = Counted(worker.load),
          function = std::decay_t<Function>(std::forward<Function>(function)),
          ... arguments = std::decay_t<Arguments>(std::forward<Arguments>(arguments))]() mutable {
           std::invoke(std::move(function), std::move(arguments)...);
         });
  }

  /// The same, with a Future of the result.
  template <class Function, class... Arguments>
  requires std::invocable<std::decay_t<Function>, std::decay_t<Arguments>...>
  auto async(Function&& function, Arguments&&... arguments) {
    using Result = std::invoke_result_t<std::decay_t<Function>, std::decay_t<Arguments>...>;
    Promise<Result> promise;
    Future<Result> future = promise.future();
    go([promise = std::move(promise),
        function = std::decay_t<Function>(std::forward<Function>(function)),
        ... arguments = std::decay_t<Arguments>(std::forward<Arguments>(arguments))]() mutable {
      keep(promise, [&] { return std::invoke(std::move(function), std::move(arguments)...); });
    });
    return future;
  }

  /// Coroutines alive on scheduler `index` that the runtime placed there.
  std::size_t load(std::size_t index) const noexcept {
    return workers_.at(index)->load->load(std::memory_order_relaxed);
  }

 private:
  using Load = std::shared_ptr<std::atomic<std::size_t>>;

  struct Worker {
    std::thread thread;
    std::unique_ptr<SchedulerHandle> handle;
    Load load = std::make_shared<std::atomic<std::size_t>>(0);
    Event stop;
    Event stopped;
  };

  /// Counts one coroutine less when it is destroyed, wherever that happens.
  class Counted {
   public:
    explicit Counted(Load load) : load_(std::move(load)) {}
    Counted(Counted&&) noexcept = default;
    Counted& operator=(Counted&&) = delete;
    ~Counted() {
      if (load_ != nullptr) load_->fetch_sub(1, std::memory_order_relaxed);
    }

   private:
    Load load_;
  };

  Worker& choose() noexcept;
  void start(const RuntimeOptions& options, std::size_t index);
  void stop_all() noexcept;

  std::vector<std::unique_ptr<Worker>> workers_;
  Placement placement_;
  std::atomic<std::size_t> next_{0};
};

}  // namespace colibri
