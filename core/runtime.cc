#include "colibri/core/runtime.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>

#include "colibri/core/check.h"
#include "colibri/core/log.h"

namespace colibri {
namespace {

/// The processors that the process may use.
std::vector<int> usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> processors;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    for (int each = 0; each < CPU_SETSIZE; ++each) {
      if (CPU_ISSET(each, &set)) processors.push_back(each);
    }
  }
  if (processors.empty()) processors.push_back(0);
  return processors;
}

/// Where it is refused, the thread stays as free as it was.
void pin_to(int processor) noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  if (pthread_setaffinity_np(pthread_self(), sizeof set, &set) != 0) {
    log(LogLevel::kWarning, "a thread of the runtime could not be pinned to a processor");
  }
}

}  // namespace

SchedulerHandle SchedulerHandle::current() {
  return SchedulerHandle(Scheduler::current("SchedulerHandle::current").mailbox());
}

bool SchedulerHandle::is_current() const noexcept {
  return thread_state.scheduler != nullptr && thread_state.scheduler->mailbox() == mailbox_;
}

void report_lost_post() noexcept {
  log(LogLevel::kError, "a posted function was dropped: there is no memory for its coroutine");
}

Runtime::Runtime(const RuntimeOptions& options) : placement_(options.placement) {
  check(thread_state.scheduler == nullptr || !thread_state.scheduler->is_conducted(),
        "a Runtime was made in a run with a seed; several threads never do the same twice, so test "
        "what its coroutines do on the run's own scheduler");
  const std::size_t threads = options.threads != 0 ? options.threads : usable_processors().size();
  workers_.reserve(threads);
  try {
    for (std::size_t i = 0; i < threads; ++i) start(options, i);
  } catch (...) {
    stop_all();
    throw;
  }
}

Runtime::~Runtime() {
  stop_all();
}

/// Returns when the scheduler runs; throws what kept it from doing so.
void Runtime::start(const RuntimeOptions& options, std::size_t index) {
  workers_.push_back(std::make_unique<Worker>());
  Worker& worker = *workers_.back();
  Promise<SchedulerHandle> begun;
  const Future<SchedulerHandle> handle = begun.future();
  const std::vector<int> processors = usable_processors();
  const int processor = options.pinned ? processors[index % processors.size()] : -1;
  worker.thread =
      std::thread([&worker, processor, grace = options.grace, begun = std::move(begun)]() mutable {
        if (processor >= 0) pin_to(processor);
        const auto main = [&] {
          begun.set(SchedulerHandle::current());
          worker.stop.wait();
        };
        try {
          run(main, RunOptions{.grace = grace});
        } catch (...) {
          begun.fail(std::current_exception());
        }
        worker.stopped.set();
      });
  handle.wait_regardless();
  worker.handle = std::make_unique<SchedulerHandle>(handle.get());
}

void Runtime::stop_all() noexcept {
  for (const auto& worker : workers_) worker->stop.set();
  for (const auto& worker : workers_) {
    if (!worker->thread.joinable()) continue;
    check(worker->thread.get_id() != std::this_thread::get_id(),
          "a Runtime was destroyed on one of its own threads, which would wait for itself");
    // Parks, where it can: others of this thread may be what the runtime's coroutines wait for.
    worker->stopped.wait_regardless();
    worker->thread.join();
  }
}

Runtime::Worker& Runtime::choose() noexcept {
  const std::size_t start = next_.fetch_add(1, std::memory_order_relaxed) % workers_.size();
  Worker* chosen = workers_[start].get();
  if (placement_ == Placement::kRoundRobin) return *chosen;
  // From another start each time, so that equals take turns.
  for (std::size_t i = 1; i < workers_.size(); ++i) {
    Worker* each = workers_[(start + i) % workers_.size()].get();
    if (each->load->load(std::memory_order_relaxed) <
        chosen->load->load(std::memory_order_relaxed)) {
      chosen = each;
    }
  }
  return *chosen;
}

}  // namespace colibri
