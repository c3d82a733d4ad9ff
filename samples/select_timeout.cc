// select: waits for several channels at once, for a limited time, or not at all.
//
//   bazel run --config=opt //samples:select_timeout
//
// A worker reports its progress and then its result; main listens to both, with a time-out. Prints:
//
// nothing yet
// progress: 1 of 2
// progress: 2 of 2
// result: 42
// nothing came within 10 ms
#include <chrono>
#include <cstdio>
#include <string>

#include "colibri/colibri.h"

using namespace std::chrono_literals;

namespace {

void work(const colibri::Channel<std::string>& progress, const colibri::Channel<int>& result) {
  progress.send("1 of 2");
  colibri::sleep_for(1ms);
  progress.send("2 of 2");
  result.send(42);
}

}  // namespace

int main() {
  return colibri::run([] {
    const colibri::Channel<std::string> progress;
    const colibri::Channel<int> result;
    colibri::go([=] { work(progress, result); });

    const auto show = [](const std::string& text) { std::printf("progress: %s\n", text.c_str()); };
    colibri::select(colibri::on_receive(progress, show),
                    colibri::otherwise([] { std::printf("nothing yet\n"); }));

    bool over = false;
    while (!over) {
      colibri::select(colibri::on_receive(progress, show),
                      colibri::on_receive(result,
                                          [&](int value) {
                                            std::printf("result: %d\n", value);
                                            over = true;
                                          }),
                      colibri::on_timeout(5s, [&] { over = true; }));
    }
    colibri::select(colibri::on_receive(result, [](int) { std::printf("once more?\n"); }),
                    colibri::on_timeout(10ms, [] { std::printf("nothing came within 10 ms\n"); }));
  });
}
