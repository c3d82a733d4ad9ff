// A program for gdb_test.sh: stops in coroutines on a private stack, and on a shared one to which
// it has come back.
#include <cstdio>
#include <vector>

#include "colibri/core/run.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"

namespace {

volatile int depth = 0;

}  // namespace

// Names that stand in a backtrace as they are.
extern "C" {

[[gnu::noinline]] void stop_here() {
  depth = depth + 1;
  asm volatile("");
}

[[gnu::noinline]] void middle_of_coroutine() {
  stop_here();
  depth = depth - 1;  // no tail call
}

[[gnu::noinline]] void bottom_of_coroutine() {
  colibri::yield();
  middle_of_coroutine();
  depth = depth + 0;
}
}

int main() {
  return colibri::run([] {
    const colibri::SharedStackGroup group(1);
    std::vector<colibri::Task<void>> tasks;
    tasks.push_back(colibri::spawn({.stack_bytes = 64 * 1024}, bottom_of_coroutine));
    for (int i = 0; i < 2; ++i) {
      tasks.push_back(colibri::spawn({.shared_stacks = &group}, bottom_of_coroutine));
    }
    for (auto& task : tasks) task.join();
    std::puts("all have ended");
  });
}
