// A producer and a consumer, each a loop of its own and neither a subroutine of the other, in three
// ways: by resume and yield, by a generator that is sent items, and by a channel.
//
//   bazel run --config=opt //samples:producer_consumer
//
// The first two need no scheduler. Prints:
//
// resume and yield:  made 1, made 2, used 1, used 2, made 3, made 4, used 3, used 4, made 5, used 5
// a generator:       made 1, used 1, made 2, used 2, made 3, used 3, in all 6
// a channel:         made 1, made 2, made 3, made 4, used 1, used 2, used 3, used 4, made 5, used 5
#include <cstddef>
#include <cstdio>
#include <deque>

#include "colibri/colibri.h"

namespace {

constexpr int kItems = 5;
constexpr std::size_t kRoom = 2;

/// ", made 1", without the comma at first.
class Line {
 public:
  explicit Line(const char* title) { std::printf("%-18s", title); }
  ~Line() { std::printf("\n"); }
  void say(const char* verb, int item) {
    std::printf("%s %s %d", begun_ ? "," : "", verb, item);
    begun_ = true;
  }

 private:
  bool begun_ = false;
};

/// Each yields when it cannot go on; whoever stands above them resumes one after the other.
void by_resume_and_yield() {
  Line line("resume and yield:");
  std::deque<int> queue;
  colibri::Coroutine producer([&] {
    for (int item = 1; item <= kItems; ++item) {
      while (queue.size() == kRoom) colibri::Coroutine::yield();
      queue.push_back(item);
      line.say("made", item);
    }
  });
  colibri::Coroutine consumer([&] {
    for (int used = 0; used < kItems; ++used) {
      while (queue.empty()) colibri::Coroutine::yield();
      line.say("used", queue.front());
      queue.pop_front();
    }
  });
  while (!consumer.done()) {
    if (!producer.done()) producer.resume();
    consumer.resume();
  }
}

/// The consumer gets each item as the answer to its yield, and answers with a result.
void by_generator() {
  Line line("a generator:");
  colibri::Generator<int, int> consumer([&](auto& yield) {
    for (int sum = 0;;) {
      const int item = yield(sum);
      line.say("used", item);
      sum += item;
    }
  });
  int sum = 0;
  for (int item = 1; item <= 3; ++item) {
    line.say("made", item);
    sum = *consumer.send(item);
  }
  line.say("in all", sum);
}

/// Both are coroutines of a scheduler; the channel parks whoever has to wait.
void by_channel() {
  Line line("a channel:");
  colibri::run([&] {
    const colibri::Channel<int> items(kRoom);
    colibri::go([&line, items] {
      for (int item = 1; item <= kItems; ++item) {
        line.say("made", item);
        items.send(item);
      }
      items.close();
    });
    for (int item : items) line.say("used", item);
  });
}

}  // namespace

int main() {
  by_resume_and_yield();
  by_generator();
  by_channel();
}
