// A sick server: one request takes the processor for itself, and all others starve.
//
//   COLIBRI_WATCHDOG=10ms bazel run --config=opt //samples/sick:starvation
//
// A pulse wants to run every millisecond. Now and then a request comes that matches a long line
// with a pattern by trying everything, for tens of milliseconds of the processor's time, and lets
// nobody run meanwhile. The watchdog names the function. (The cure: `colibri::yield()` in the loop,
// or `colibri::offload`.)
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>

#include "colibri/colibri.h"

/// Whether `text` matches `pattern`, in which '*' stands for anything; in exponential time.
[[gnu::noinline]] bool match_everything(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() != '*') {
    return !text.empty() && text.front() == pattern.front() &&
           match_everything(pattern.substr(1), text.substr(1));
  }
  for (std::size_t skip = 0; skip <= text.size(); ++skip) {
    if (match_everything(pattern.substr(1), text.substr(skip))) return true;
  }
  return false;
}

int main() {
  colibri::run([] {
    bool ended = false;
    int pulses = 0;
    auto pulse = colibri::spawn({.name = "pulse"}, [&] {
      while (!ended) {
        ++pulses;
        colibri::sleep_for(std::chrono::milliseconds(1));
      }
    });
    const std::string line(48, 'a');
    for (int i = 0; i < 3; ++i) {
      colibri::spawn({.name = "request"}, [&] {
        if (match_everything("*a*a*a*a*a*b", line)) std::printf("matched\n");
      }).join();
      colibri::sleep_for(std::chrono::milliseconds(5));
    }
    ended = true;
    pulse.join();
    std::printf("served 3 requests, pulses in between: %s\n", pulses > 0 ? "some" : "none");
  });
}
