// A wake-up that goes to nobody, found by seeds.
//
//   bazel run --config=opt //samples/seeds:lost_wake_up
//   bazel run --config=opt //samples/seeds:lost_wake_up -- --fixed
//
// take() looks for a letter before it has the lock. Nearly always that is good enough: only if
// put() comes between the look and the wait does its notice meet nobody, and take() waits for ever.
// Prints the first seed of a thousand that makes it so, who waits and where, and how to have that
// run again, in a debugger for example. With --fixed, prints:
//
// 1000 seeds, and every letter arrived
#include <cstdio>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>

#include "colibri/colibri.h"
#include "colibri/testing.h"

namespace {

class Mailbox {
 public:
  explicit Mailbox(bool fixed) : fixed_(fixed) {}

  void put(int letter) {
    const std::lock_guard lock(mutex_);
    letter_ = letter;
    arrived_.notify_one();
  }

  int take() {
    if (fixed_) {
      std::unique_lock lock(mutex_);
      arrived_.wait(lock, [this] { return letter_.has_value(); });
      return *std::exchange(letter_, std::nullopt);
    }
    if (!letter_.has_value()) {
      std::unique_lock lock(mutex_);  // others may run in here: this call may wait
      arrived_.wait(lock);
    }
    return *std::exchange(letter_, std::nullopt);
  }

 private:
  const bool fixed_;
  colibri::Mutex mutex_;
  colibri::ConditionVariable arrived_;
  std::optional<int> letter_;
};

bool letter_arrives(bool fixed) {
  Mailbox mailbox(fixed);
  auto taker = colibri::spawn([&] { return mailbox.take(); });
  mailbox.put(7);
  return taker.join() == 7;
}

}  // namespace

int main(int argc, char** argv) {
  const bool fixed = argc > 1 && std::strcmp(argv[1], "--fixed") == 0;
  try {
    colibri::testing::for_each_seed(1'000, [fixed] { return letter_arrives(fixed); });
  } catch (const colibri::testing::SeedFailure& failure) {
    std::printf("%s\n", failure.what());
    return 1;
  }
  std::printf("1000 seeds, and every letter arrived\n");
}
