// colibri's coroutines and C++20's, each waiting for the other; and what each kind costs.
//
//   bazel run --config=opt //samples:stackless_bridge              (what is below)
//   bazel run --config=opt //samples:stackless_bridge -- --costs   (a table, measured now)
//
// A C++20 coroutine keeps one function's variables and can stop in that function only; colibri's
// keep a stack and can stop anywhere. `await` and `co_await` lead from one to the other. Prints:
//
// C++20: received 1, 2, 3 from a channel
// C++20: joined a task: 42
// C++20: slept, and then blocked in usleep, in a coroutine of the scheduler's
// stackful: awaited a C++20 coroutine: 48
// stackful: an exception came across: no more
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <stdexcept>

#include "colibri/colibri.h"
#include "colibri/core/stackless.h"
#include "samples/stackless_bridge/costs.h"
#include "samples/stackless_bridge/lazy.h"

namespace {

using std::chrono::milliseconds;

Lazy<int> sum_of(colibri::Channel<int> numbers) {
  int sum = 0;
  std::printf("C++20: received");
  while (const auto number = co_await colibri::receiving(numbers)) {
    std::printf("%s %d", sum == 0 ? "" : ",", *number);
    sum += *number;
  }
  std::printf(" from a channel\n");
  co_return sum;
}

Lazy<int> visit_everything(colibri::Channel<int> numbers) {
  const int sum = co_await sum_of(numbers);
  const int answer = co_await colibri::spawn([] {
    colibri::sleep_for(milliseconds(2));
    return 42;
  });
  std::printf("C++20: joined a task: %d\n", answer);
  co_await colibri::sleeping_for(milliseconds(2));
  usleep(2'000);
  std::printf("C++20: slept, and then blocked in usleep, in a coroutine of the scheduler's\n");
  co_return sum + answer;
}

Lazy<int> fail() {
  throw std::runtime_error("no more");
  co_return 0;
}

void demonstrate() {
  const colibri::Channel<int> numbers;
  colibri::go([numbers] {
    for (int i = 1; i <= 3; ++i) numbers.send(i);
    numbers.close();
  });
  const int result = colibri::await(visit_everything(numbers));
  std::printf("stackful: awaited a C++20 coroutine: %d\n", result);
  try {
    colibri::await(fail());
  } catch (const std::runtime_error& error) {
    std::printf("stackful: an exception came across: %s\n", error.what());
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count == 2 && std::strcmp(arguments[1], "--costs") == 0) return print_costs();
  return colibri::run(demonstrate);
}
