// Two coroutines that hand items to each other by resume and yield, without any scheduler: each is
// a loop of its own, and neither is a subroutine of the other.
//
//   bazel run --config=opt //samples:producer_consumer
//
// The producer makes items while there is room and then yields; the consumer uses them while there
// are any and then yields; main resumes one after the other. Prints:
//
// made 1
// made 2
//     used 1
//     used 2
// made 3
// made 4
//     used 3
//     used 4
// made 5
//     used 5
#include <cstddef>
#include <cstdio>
#include <deque>

#include "colibri/colibri.h"

namespace {

constexpr int kItems = 5;
constexpr std::size_t kRoom = 2;

void produce(std::deque<int>& queue) {
  for (int item = 1; item <= kItems; ++item) {
    while (queue.size() == kRoom) colibri::Coroutine::yield();
    queue.push_back(item);
    std::printf("made %d\n", item);
  }
}

void consume(std::deque<int>& queue) {
  for (int used = 0; used < kItems; ++used) {
    while (queue.empty()) colibri::Coroutine::yield();
    std::printf("    used %d\n", queue.front());
    queue.pop_front();
  }
}

}  // namespace

int main() {
  std::deque<int> queue;
  colibri::Coroutine producer([&] { produce(queue); });
  colibri::Coroutine consumer([&] { consume(queue); });
  while (!consumer.done()) {
    if (!producer.done()) producer.resume();
    consumer.resume();
  }
}
