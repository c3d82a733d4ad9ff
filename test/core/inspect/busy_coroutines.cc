// A program for the tests of profilers: works in coroutines on private and on shared stacks, and
// switches among them, for as many rounds as its argument says.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "colibri/core/run.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"

namespace {

volatile std::uint64_t sum = 0;

}  // namespace

// Names that stand in a profile as they are.
extern "C" {

[[gnu::noinline]] void work_in_coroutine(int rounds) {
  for (int i = 0; i < rounds; ++i) sum = sum + static_cast<std::uint64_t>(i);
}

[[gnu::noinline]] void middle_of_coroutine(int rounds) {
  work_in_coroutine(rounds);
  colibri::yield();
  sum = sum + 1;  // no tail call
}

[[gnu::noinline]] void bottom_of_coroutine(int rounds) {
  for (int i = 0; i < rounds; ++i) middle_of_coroutine(10'000);
  sum = sum + 1;
}
}

int main(int count, char** arguments) {
  const int rounds = count > 1 ? std::atoi(arguments[1]) : 1;
  return colibri::run([rounds] {
    const colibri::SharedStackGroup group(1);
    std::vector<colibri::Task<void>> tasks;
    for (int i = 0; i < 2; ++i) {
      tasks.push_back(colibri::spawn({.name = "private"}, bottom_of_coroutine, rounds));
      tasks.push_back(
          colibri::spawn({.name = "shared", .shared_stacks = &group}, bottom_of_coroutine, rounds));
    }
    for (auto& task : tasks) task.join();
    std::puts("all have ended");
  });
}
