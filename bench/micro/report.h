// How every case of the micro benchmarks says what one unit of its work costs.
//
// Names are "subject/library[/n]", for instance "yield/boost_fiber/100": interleave.py puts the
// libraries of one subject side by side. What an item is belongs to the subject, not to the
// library:
//   resume         one switch, one way, between a caller and the context that it resumes
//   yield          one yield among n contexts that all stay runnable
//   spawn_end      a context is made, runs an empty function, and its stack is reused
//   spawn_join     the same, with its maker waiting for the end
//   park           one hand-over between two contexts that wake each other in turn
//   channel        one value handed over by an unbuffered channel
//   live_bytes     one yield of two contexts that hold n bytes on their stacks
//   timer_cancel_arm  a random timer is cancelled and armed anew
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>

namespace colibri::bench {

/// The sizes of "live_bytes".
inline constexpr std::int64_t kLiveBytes[] = {64, 256, 1024, 4096, 16384, 65536};

// Publishes `items` done within the timed loop: as items per second, and as "ns" of CPU time an
// item, which is the figure that interleave.py compares. Call it once, after the loop.
inline void report_items(benchmark::State& state, std::int64_t items) {
  state.SetItemsProcessed(items);
  // Nanoseconds an item are the inverse of billions of items a second.
  state.counters["ns"] = benchmark::Counter(
      static_cast<double>(items) * 1e-9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

}  // namespace colibri::bench
