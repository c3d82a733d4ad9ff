// A program for the test of Valgrind: coroutines on private and on shared stacks, come back to
// after a switch, read memory that was freed.
#include <cstdio>
#include <vector>

#include "colibri/core/run.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"

// Names that stand in a report as they are.
extern "C" {

[[gnu::noinline]] void middle_of_coroutine(const volatile int* freed) {
  colibri::yield();
  if (*freed == 1) std::puts("freed memory is kept");
}

[[gnu::noinline]] void bottom_of_coroutine() {
  auto* number = new int(1);
  const int* freed = number;
  asm volatile("" : "+r"(freed));  // the compiler would see what is wrong
  delete number;
  middle_of_coroutine(freed);
  std::puts("has read");
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
  });
}
