#include "colibri/core/scheduler_watch.h"

#include <atomic>

#include "colibri/core/mailbox.h"
#include "colibri/core/scheduler.h"

namespace colibri {
namespace {

/// Begins the watch of a scheduler that runs already.
struct BeginWatch final : InboxMessage {
  void deliver() noexcept override {
    const SchedulerWatchMaker make = scheduler_watch_maker.load(std::memory_order_acquire);
    if (make != nullptr && thread_state.watch == nullptr) {
      thread_state.scheduler->set_watch(make());
    }
  }
};

}  // namespace

constinit std::atomic<SchedulerWatchMaker> scheduler_watch_maker{nullptr};

void watch_schedulers(SchedulerWatchMaker make) {
  scheduler_watch_maker.store(make, std::memory_order_release);
  if (make == nullptr) return;
  for_each_mailbox([](Mailbox& mailbox) { mailbox.post(new BeginWatch); });
}

}  // namespace colibri
