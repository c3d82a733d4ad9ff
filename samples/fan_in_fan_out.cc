// A pipeline with a wide middle: one coroutine hands out work (fan-out), several do it, and one
// gathers the results (fan-in).
//
//   bazel run --config=opt //samples:fan_in_fan_out
//
// Each stage ends when the channel that it reads from does; the last worker closes the results.
// Prints:
//
// 4 workers made 100 squares, which sum up to 328350
#include <cstdio>

#include "colibri/colibri.h"

namespace {

constexpr int kWorkers = 4;
constexpr int kItems = 100;

struct Result {
  int worker;
  int square;
};

void work(int worker, const colibri::Channel<int>& items, const colibri::Channel<Result>& results) {
  for (int item : items) {
    colibri::yield();  // stands for a call that has to wait
    results.send(Result{worker, item * item});
  }
}

}  // namespace

int main() {
  return colibri::run([] {
    const colibri::Channel<int> items;
    const colibri::Channel<Result> results(kWorkers);

    colibri::go([items] {
      for (int item = 0; item < kItems; ++item) items.send(item);
      items.close();
    });

    const colibri::WaitGroup workers;
    workers.add(kWorkers);
    for (int worker = 0; worker < kWorkers; ++worker) {
      colibri::go([=] {
        work(worker, items, results);
        workers.done();
      });
    }
    colibri::go([=] {
      workers.wait();
      results.close();
    });

    int count = 0;
    int sum = 0;
    bool worked[kWorkers] = {};
    for (const Result& result : results) {
      ++count;
      sum += result.square;
      worked[result.worker] = true;
    }
    int busy = 0;
    for (bool each : worked) busy += each ? 1 : 0;
    std::printf("%d workers made %d squares, which sum up to %d\n", busy, count, sum);
  });
}
