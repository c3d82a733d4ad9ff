// async and await, as in ES6, Dart and C#: start now, wait later.
//
//   bazel run --config=opt //samples:async_await
//
// Three requests of 20 ms each take 20 ms together. await is a plain function, so any function may
// wait, and none has to be marked for it. Prints:
//
// apples 3, pears 4, plums 5: all within 50 ms
// the first to come: pears
// no such fruit: stones
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>

#include "colibri/colibri.h"

using namespace std::chrono_literals;

namespace {

/// Stands for a request to a server.
int price_of(const std::string& fruit, std::chrono::milliseconds delay) {
  colibri::sleep_for(delay);
  if (fruit == "apples") return 3;
  if (fruit == "pears") return 4;
  if (fruit == "plums") return 5;
  throw std::invalid_argument("no such fruit: " + fruit);
}

colibri::Future<int> request(const std::string& fruit, std::chrono::milliseconds delay) {
  return colibri::async(price_of, fruit, delay);
}

}  // namespace

int main() {
  return colibri::run([] {
    const auto begun = std::chrono::steady_clock::now();
    const auto apples = request("apples", 20ms);
    const auto pears = request("pears", 20ms);
    const auto plums = request("plums", 20ms);
    const auto [a, b, c] = colibri::when_all(apples, pears, plums);
    const bool overlapped = std::chrono::steady_clock::now() - begun < 50ms;
    std::printf("apples %d, pears %d, plums %d: %s\n", a, b, c,
                overlapped ? "all within 50 ms" : "one after the other?");

    const char* names[] = {"apples", "pears"};
    const auto first = colibri::when_any(request("apples", 1h), request("pears", 1ms));
    std::printf("the first to come: %s\n", names[first]);

    try {
      colibri::await(request("stones", 0ms));
    } catch (const std::invalid_argument& error) {
      std::printf("%s\n", error.what());
    }
  });
}
