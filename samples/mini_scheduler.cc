// A cooperative scheduler as in the textbooks of operating systems, on Coroutine alone: a queue of
// those that are ready, start, yield and wait.
//
//   bazel run --config=opt //samples:mini_scheduler
//
// colibri::run does the same and more, with timers, descriptors and several threads. Prints:
//
// a 1
// b 1
// c waits for a
// a 2
// b 2
// a 3
// b 3
// c goes on
#include <cstdio>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "colibri/colibri.h"

namespace {

class MiniScheduler {
 public:
  struct Process {
    explicit Process(std::function<void()> body) : coroutine(std::move(body)) {}
    colibri::Coroutine coroutine;
    std::vector<std::shared_ptr<Process>> waiting;  // for the end of this one
  };
  using Handle = std::shared_ptr<Process>;

  Handle start(std::function<void()> body) {
    ready_.push_back(std::make_shared<Process>(std::move(body)));
    return ready_.back();
  }

  /// Called in a process: lets the others run.
  void yield() {
    ready_.push_back(running_);
    colibri::Coroutine::yield();
  }

  /// Called in a process: goes on when `other` has ended.
  void wait(const Handle& other) {
    if (other->coroutine.done()) return;
    other->waiting.push_back(running_);
    colibri::Coroutine::yield();
  }

  /// Runs until nobody is ready.
  void run() {
    while (!ready_.empty()) {
      running_ = std::exchange(ready_.front(), nullptr);
      ready_.pop_front();
      running_->coroutine.resume();
      if (!running_->coroutine.done()) continue;
      for (Handle& each : running_->waiting) ready_.push_back(std::move(each));
    }
    running_ = nullptr;
  }

 private:
  std::deque<Handle> ready_;
  Handle running_;
};

}  // namespace

int main() {
  MiniScheduler scheduler;
  const auto count = [&](char name) {
    for (int i = 1; i <= 3; ++i) {
      std::printf("%c %d\n", name, i);
      scheduler.yield();
    }
  };
  const auto a = scheduler.start([&] { count('a'); });
  scheduler.start([&] { count('b'); });
  scheduler.start([&] {
    std::printf("c waits for a\n");
    scheduler.wait(a);
    std::printf("c goes on\n");
  });
  scheduler.run();
}
