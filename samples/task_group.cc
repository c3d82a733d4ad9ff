// TaskGroup: coroutines that end with their scope; the first failure cancels the rest.
//
//   bazel run --config=opt //samples:task_group
//
// Prints:
//
// all three: 60
// fetching c
//   cancelled: a
//   cancelled: b
// failed: no such page: c
// after the scope, nobody is left
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>

#include "colibri/colibri.h"

using namespace std::chrono_literals;

namespace {

/// Stands for a request that takes its time.
void fetch(const std::string& page) {
  if (page == "c") {
    colibri::sleep_for(1ms);
    std::printf("fetching c\n");
    throw std::runtime_error("no such page: " + page);
  }
  try {
    colibri::sleep_for(1h);
  } catch (const colibri::Canceled&) {
    std::printf("  cancelled: %s\n", page.c_str());
    throw;  // let it pass: it unwinds the coroutine
  }
}

}  // namespace

int main() {
  return colibri::run([] {
    {
      int sum = 0;
      colibri::TaskGroup group;
      for (int part : {10, 20, 30}) group.spawn([&sum, part] { sum += part; });
      group.join();
      std::printf("all three: %d\n", sum);
    }
    try {
      colibri::TaskGroup group;
      for (const std::string page : {"a", "b", "c"}) group.spawn(fetch, page);
      group.join();
    } catch (const std::runtime_error& error) {
      std::printf("failed: %s\n", error.what());
    }
    std::printf("after the scope, nobody is left\n");
  });
}
