// Time as a channel: a ticker that does not drift, an alarm, and select over both.
//
//   bazel run --config=opt //samples:ticker
//
// The work after each tick takes its time, and yet the n-th tick is due n periods after the start.
// Prints:
//
// tick 1
// tick 2
// tick 3
// tick 4
// the ticks are exact multiples of the period
// alarm
#include <chrono>
#include <cstdio>

#include "colibri/colibri.h"

using namespace std::chrono_literals;

int main() {
  return colibri::run([] {
    constexpr auto kPeriod = 20ms;
    bool exact = true;
    {
      const colibri::Ticker ticker(kPeriod);
      colibri::TimePoint first;
      for (int tick = 1; tick <= 4; ++tick) {
        const colibri::TimePoint due = *ticker.receive();
        std::printf("tick %d\n", tick);
        if (tick == 1) first = due;
        exact = exact && (due - first) % kPeriod == 0ms;
        colibri::sleep_for(3ms);
      }
    }
    std::printf("the ticks are exact multiples of the period%s\n", exact ? "" : "? No!");

    const colibri::Alarm alarm = colibri::after(5ms);
    const colibri::Ticker slow(1h);
    colibri::select(
        colibri::on_receive(slow, [](colibri::TimePoint) { std::printf("an hour is over\n"); }),
        colibri::on_receive(alarm, [](colibri::TimePoint) { std::printf("alarm\n"); }));
  });
}
