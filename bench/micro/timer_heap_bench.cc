// The structures that timers usually live in: a 4-ary heap whose timers know their place, and, for
// orientation, std::set.
#include <benchmark/benchmark.h>

#include <set>
#include <utility>
#include <vector>

#include "bench/micro/heap4.h"
#include "bench/micro/timer_workload.h"

namespace colibri::bench {
namespace {

class Heap4UnderTest {
 public:
  Heap4UnderTest(TimerId timers, Nanoseconds /*now*/) : owners_(timers) { heap_.reserve(timers); }
  void arm(TimerId timer, Nanoseconds deadline) { heap_.arm(owners_[timer].timer, deadline); }
  void cancel(TimerId timer) { heap_.cancel(owners_[timer].timer); }

 private:
  Heap4 heap_;
  std::vector<TimerOwner<HeapTimer>> owners_;
};

// A timer keeps its node while it is disarmed, so that no step allocates.
class SetUnderTest {
 public:
  SetUnderTest(TimerId timers, Nanoseconds now) : owners_(timers) {
    for (TimerId timer = 0; timer < timers; ++timer) {
      owners_[timer].timer.node = set_.extract(set_.emplace(now, timer).first);
    }
  }
  void arm(TimerId timer, Nanoseconds deadline) {
    SetTimer& armed = owners_[timer].timer;
    armed.node.value().first = deadline;
    armed.place = set_.insert(std::move(armed.node)).position;
  }
  void cancel(TimerId timer) {
    SetTimer& cancelled = owners_[timer].timer;
    cancelled.node = set_.extract(cancelled.place);
  }

 private:
  using Set = std::set<std::pair<Nanoseconds, TimerId>>;
  struct SetTimer {
    Set::iterator place;
    Set::node_type node;
  };

  Set set_;
  std::vector<TimerOwner<SetTimer>> owners_;
};

}  // namespace
}  // namespace colibri::bench

int main(int argc, char** argv) {
  using namespace colibri::bench;
  register_timer_cancel_arm<Heap4UnderTest>("timer_cancel_arm/heap4");
  register_timer_cancel_arm<SetUnderTest>("timer_cancel_arm/std_set");
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
