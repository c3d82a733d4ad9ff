// A program for the command to look into: prints "ready" when everybody waits, and ends with its
// standard input.
//
//   20 'reader' wait for a descriptor; 'writer' waits for a mutex that 'holder' keeps, who waits
//   for an event; 'left' and 'right' wait for each other's mutex; 'forgotten' waits at a channel
//   that nobody else holds; 'busy' yields without end; 'afar' waits on another scheduler.
#include <unistd.h>

#include <cstdio>

#include "colibri/core/channel.h"
#include "colibri/core/descriptor_wait.h"
#include "colibri/core/event.h"
#include "colibri/core/mutex.h"
#include "colibri/core/run.h"
#include "colibri/core/runtime.h"
#include "colibri/core/sleep.h"

using namespace colibri;

namespace {

constexpr int kReaders = 20;

[[gnu::noinline]] void read_for_ever(int descriptor) {
  wait_ready(descriptor, Direction::kRead, {});
  std::puts("a reader went on");
}

void take_both(Mutex& first, Mutex& second) {
  first.lock();
  yield();
  second.lock();
}

}  // namespace

int main() {
  return run([] {
    int pipe[2];
    if (::pipe(pipe) != 0) return 1;
    const Event never;
    // Never destroyed: whoever waits for them is abandoned.
    auto& kept = *new Mutex;
    auto& left = *new Mutex;
    auto& right = *new Mutex;
    Runtime runtime(1);
    post(runtime.scheduler(0), SpawnOptions{.name = "afar"}, [never] { never.wait(); });
    for (int i = 0; i < kReaders; ++i) {
      go(SpawnOptions{.name = "reader"}, [&pipe] { read_for_ever(pipe[0]); });
    }
    go(SpawnOptions{.name = "holder"}, [&kept, never] {
      kept.lock();
      never.wait();
    });
    go(SpawnOptions{.name = "writer"}, [&kept] { kept.lock(); });
    go(SpawnOptions{.name = "left"}, [&] { take_both(left, right); });
    go(SpawnOptions{.name = "right"}, [&] { take_both(right, left); });
    {
      const Channel<int> jobs;
      jobs.set_name("jobs");
      go(SpawnOptions{.name = "forgotten"}, [jobs] { jobs.receive(); });
    }
    go(SpawnOptions{.name = "busy"}, [] {
      for (;;) {
        yield();
        sleep_for(std::chrono::microseconds(100));
      }
    });
    for (int i = 0; i < 4; ++i) yield();
    std::puts("ready");
    std::fflush(stdout);
    wait_ready(STDIN_FILENO, Direction::kRead, {});
    // The mutexes are never given back: there is no end in good order.
    ::_exit(0);
  });
}
