// colibri's timer queue: a hierarchical wheel before a pairing heap.
#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include "bench/micro/timer_workload.h"
#include "colibri/core/timer_queue.h"

namespace colibri::bench {
namespace {

class WheelUnderTest {
 public:
  WheelUnderTest(TimerId timers, Nanoseconds now) : owners_(timers), queue_(now.count()) {}
  void arm(TimerId timer, Nanoseconds deadline) {
    owners_[timer].timer.deadline = deadline.count();
    queue_.arm(owners_[timer].timer);
  }
  // As the scheduler does after every wait with a time-out.
  void cancel(TimerId timer) { queue_.disarm(owners_[timer].timer); }

 private:
  std::vector<TimerOwner<Timer>> owners_;
  TimerQueue queue_;  // destroyed first: timers may still be linked
};

}  // namespace
}  // namespace colibri::bench

int main(int argc, char** argv) {
  using namespace colibri::bench;
  register_timer_cancel_arm<WheelUnderTest>("timer_cancel_arm/colibri");
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
