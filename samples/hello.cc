// Two coroutines on one thread: while one sleeps, the other runs.
//
//   bazel run --config=opt //samples:hello
//
// prints, in a fifth of a second:
//
//   0 ms  tick
//  25 ms  tock
//  50 ms  tick
//  75 ms  tock
// 100 ms  tick
// 125 ms  tock
// goodbye
#include <chrono>
#include <cstdio>

#include "colibri/colibri.h"

using namespace std::chrono_literals;

namespace {

void say(const char* word, std::chrono::milliseconds begin) {
  // Points in time, not spans: however long printing takes, the two stay in step.
  static const auto start = std::chrono::steady_clock::now();
  for (auto time = begin; time < 150ms; time += 50ms) {
    colibri::sleep_until(start + time);
    std::printf("%3d ms  %s\n", static_cast<int>(time.count()), word);
  }
}

}  // namespace

int main() {
  return colibri::run([] {
    auto tick = colibri::spawn(say, "tick", 0ms);
    auto tock = colibri::spawn(say, "tock", 25ms);
    tick.join();
    tock.join();
    std::puts("goodbye");
  });
}
