// A program for the tests of debuggers: stops once, in main's coroutine, while others stand
// wherever coroutines may stand. Afterwards it lets all go on, and says whether they came to their
// ends.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "colibri/core/channel.h"
#include "colibri/core/coroutine.h"
#include "colibri/core/descriptor_wait.h"
#include "colibri/core/run.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"

namespace {

using Gate = colibri::Channel<int>;

std::atomic<int> ended = 0;
std::atomic<bool> other_thread_waits = false;

}  // namespace

// Names that stand in a backtrace as they are.
extern "C" {

volatile int stops = 0;

[[gnu::noinline]] void stop_here(bool aborts) {
  stops = stops + 1;
  if (aborts) std::abort();
}

/// `secret` lies in memory, on the stack, so that a debugger has to find the right stack.
[[gnu::noinline]] void wait_at_gate(const Gate& gate, int number) {
  volatile int secret = number;
  gate.receive();
  if (secret != number) std::puts("a stack was changed");
  ++ended;
}

[[gnu::noinline]] void middle(const Gate& gate, int number) {
  volatile int doubled = 2 * number;
  wait_at_gate(gate, number);
  if (doubled != 2 * number) std::puts("a stack was changed");
}

[[gnu::noinline]] void wait_for_descriptor(int descriptor) {
  colibri::wait_ready(descriptor, colibri::Direction::kRead, {});
  ++ended;
}

[[gnu::noinline]] void sleep_long() {
  try {
    colibri::sleep_for(std::chrono::hours(1));
  } catch (const colibri::Canceled&) {
    ++ended;
  }
}

[[gnu::noinline]] void resume_inner(Gate gate) {
  colibri::Coroutine inner([gate] { middle(gate, 700); }, {.name = "inner"});
  inner.resume();
  ++ended;
}
}

namespace {

void run_other_thread(const Gate& gate) {
  colibri::run([gate] {
    auto task = colibri::spawn({.name = "elsewhere"}, [gate] { middle(gate, 800); });
    colibri::yield();
    other_thread_waits = true;
    task.join();
  });
}

void look_at_all(const int (&pipe_ends)[2], bool aborts) {
  const Gate gate;
  std::thread other(run_other_thread, gate);
  while (!other_thread_waits) std::this_thread::yield();
  const colibri::SharedStackGroup group(1);
  std::vector<colibri::Task<void>> tasks;
  tasks.push_back(
      colibri::spawn({.stack_bytes = 64 * 1024, .name = "owner"}, [gate] { middle(gate, 100); }));
  for (int number = 200; number <= 400; number += 100) {
    tasks.push_back(colibri::spawn({.name = "guest", .shared_stacks = &group},
                                   [gate, number] { middle(gate, number); }));
  }
  tasks.push_back(colibri::spawn({.name = "reader"}, wait_for_descriptor, pipe_ends[0]));
  auto sleeper = colibri::spawn({.name = "sleeper"}, sleep_long);
  tasks.push_back(colibri::spawn({.name = "outer"}, resume_inner, gate));
  colibri::yield();
  tasks.push_back(
      colibri::spawn({.name = "fresh", .shared_stacks = &group}, [gate] { middle(gate, 900); }));
  stop_here(aborts);
  if (write(pipe_ends[1], "x", 1) != 1) std::puts("the pipe is full");
  sleeper.cancel();
  gate.close();
  for (auto& task : tasks) task.join();
  other.join();
}

}  // namespace

int main(int count, char**) {
  const bool aborts = count > 1;
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_NONBLOCK | O_CLOEXEC) != 0) return 1;
  const int result = colibri::run([&] { look_at_all(pipe_ends, aborts); });
  std::printf("%d have ended\n", ended.load());
  return result;
}
