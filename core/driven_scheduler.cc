#include "colibri/core/driven_scheduler.h"

#include <cerrno>
#include <system_error>

#include "colibri/core/check.h"
#include "colibri/core/libc.h"

namespace colibri {

DrivenScheduler::DrivenScheduler(const RunOptions& options)
    : scheduler_(options.stacks), grace_(options.grace) {
  scheduler_.event_loop().make_alarm();
  descriptor();
  // Other threads' messages end waits from now on, and not from the first poll on.
  poll_once();
}

DrivenScheduler::~DrivenScheduler() {
  check(thread_state.current == nullptr, "a DrivenScheduler was destroyed inside a coroutine");
  scheduler_.finish(grace_);
  if (descriptor_ >= 0) real::close(descriptor_);
}

int DrivenScheduler::descriptor() {
  const std::uint32_t generation = scheduler_.event_loop().generation();
  if (generation_ == generation) return descriptor_;
  const int duplicate = scheduler_.event_loop().duplicate();
  if (duplicate < 0) {
    throw std::system_error(errno, std::generic_category(),
                            "colibri: no descriptor for a DrivenScheduler");
  }
  if (descriptor_ >= 0) real::close(descriptor_);
  generation_ = generation;
  return descriptor_ = duplicate;
}

void DrivenScheduler::poll_once() noexcept {
  check(thread_state.current == nullptr,
        "DrivenScheduler::poll_once called inside a coroutine; it belongs to the loop that drives "
        "the scheduler");
  static_assert(TimerQueue::kNever == EventLoop::kNoAlarm);
  scheduler_.event_loop().set_alarm(scheduler_.poll_once());
}

}  // namespace colibri
