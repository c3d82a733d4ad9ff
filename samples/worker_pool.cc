// Two threads with a scheduler each, and helpers for calls that block: Runtime, post, offload.
//
//   bazel run --config=opt //samples:worker_pool
//
// Work comes through one channel to coroutines of both schedulers; channels, locks and futures work
// between threads. Prints:
//
// 1000 numbers, sum 499500
// two schedulers took part
// offloaded: the scheduler's thread was free meanwhile
// posted to the second: a coroutine of its own
#include <atomic>
#include <cstdio>
#include <mutex>
#include <set>
#include <thread>

#include "colibri/colibri.h"

namespace {

constexpr int kWorkers = 4;

void share_work(colibri::Runtime& runtime) {
  const colibri::Channel<int> numbers(16);
  const colibri::WaitGroup workers;
  colibri::Mutex mutex;  // over the next three
  int count = 0;
  int sum = 0;
  std::set<std::thread::id> threads;
  workers.add(kWorkers);
  for (int i = 0; i < kWorkers; ++i) {
    runtime.go([&, numbers, workers] {
      for (int number : numbers) {
        const std::lock_guard lock(mutex);
        ++count;
        sum += number;
      }
      {
        const std::lock_guard lock(mutex);
        threads.insert(std::this_thread::get_id());
      }
      workers.done();
    });
  }
  for (int i = 0; i < 1'000; ++i) numbers.send(i);
  numbers.close();
  workers.wait();
  std::printf("%d numbers, sum %d\n", count, sum);
  std::printf("%s schedulers took part\n", threads.size() == 2 ? "two" : "how many?");
}

void block_elsewhere(colibri::Runtime& runtime) {
  runtime
      .async([] {
        std::atomic<bool> other_ran{false};
        colibri::go([&] { other_ran = true; });
        colibri::offload([&] {
          while (!other_ran) std::this_thread::yield();  // stands for a call that blocks
        });
        std::printf("offloaded: the scheduler's thread was free meanwhile\n");
      })
      .get();
}

}  // namespace

int main() {
  colibri::Runtime runtime(2);
  share_work(runtime);
  block_elsewhere(runtime);
  colibri::Promise<const char*> promise;
  const auto words = promise.future();
  colibri::post(runtime.scheduler(1), [promise = std::move(promise)]() mutable {
    colibri::yield();
    promise.set("a coroutine of its own");
  });
  std::printf("posted to the second: %s\n", words.get());
}
