// The timer queue against a model that cannot be wrong: a sorted map, over random operations.
#include <algorithm>
#include <limits>
#include <map>
#include <random>
#include <vector>

#include "test/core/noted_timer.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using test::kDay;
using test::kMillisecond;
using test::kSecond;

/// The queue and its model side by side.
class Twins {
 public:
  Twins(std::uint64_t seed, std::int64_t start) : random_(seed), now_(start), queue_(start) {
    for (std::size_t i = 0; i < timers_.size(); ++i) {
      timers_[i].twins = this;
      timers_[i].fire = [](Timer& timer) {
        auto& self = static_cast<ModelledTimer&>(timer);
        self.twins->fired(self);
      };
    }
  }

  void step() {
    const std::uint64_t choice = random_() % 100;
    ModelledTimer& timer = timers_[random_() % timers_.size()];
    if (choice < 55) {
      if (!timer.armed()) arm(timer, some_deadline());
    } else if (choice < 75) {
      cancel(timer);
    } else {
      advance(some_step());
    }
    check_state();
  }

  /// Lets everything fire that is armed.
  void finish() {
    rearm_from_fire_ = false;
    while (!model_.empty()) {
      const std::int64_t wake = queue_.next_wake();
      ASSERT_LE(wake, model_.begin()->first);
      advance(std::max<std::int64_t>(wake - now_, 0));
    }
    EXPECT_TRUE(queue_.empty());
  }

 private:
  struct ModelledTimer : Timer {
    Twins* twins = nullptr;
    std::multimap<std::int64_t, ModelledTimer*>::iterator entry;
  };

  std::int64_t up_to(std::int64_t limit) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(limit));
  }

  std::int64_t some_deadline() {
    switch (random_() % 10) {
      case 0:
        return now_ - up_to(kSecond);
      case 1:  // the same as somebody else's
        return model_.empty() ? now_ : model_.begin()->first;
      case 2:  // at the edge of a slot
        return (((now_ >> 20) + up_to(300)) << 20) - up_to(2);
      case 3:
        return (((now_ >> 28) + up_to(300)) << 28) - up_to(2);
      case 4:
        return now_ + up_to(200 * kDay);
      case 5:
        return now_ + up_to(kDay);
      case 6:
        return random_() % 64 == 0 ? TimerQueue::kNever - 1 - up_to(kDay)
                                   : now_ + up_to(9'000 * kDay);
      case 7:
        return now_ + up_to(300 * kSecond);
      case 8:
        return now_ + up_to(kSecond);
      default:
        return now_ + up_to(3 * kMillisecond);
    }
  }

  std::int64_t some_step() {
    switch (random_() % 200) {
      case 0:
        return up_to(100 * kDay);
      case 1:
        return up_to(kDay);
      default:
        break;
    }
    switch (random_() % 6) {
      case 0:
        return 0;
      case 1:  // exactly onto a deadline, or one nanosecond before it
        if (model_.empty() || model_.begin()->first - now_ > kDay) return 1;
        return std::max<std::int64_t>(model_.begin()->first - now_ - up_to(2), 0);
      case 2:
        return up_to(400 * kMillisecond);
      case 3:
        return up_to(30 * kSecond);
      default:
        return up_to(2 * kMillisecond);
    }
  }

  void arm(ModelledTimer& timer, std::int64_t deadline) {
    timer.deadline = deadline;
    timer.entry = model_.emplace(deadline, &timer);
    queue_.arm(timer);
  }

  void cancel(ModelledTimer& timer) {
    if (timer.armed()) model_.erase(timer.entry);
    if (random_() % 2 == 0) {
      queue_.cancel(timer);
    } else {
      queue_.disarm(timer);
    }
    ASSERT_FALSE(timer.armed());
  }

  void advance(std::int64_t step) {
    now_ += step;
    latest_fired_ = std::numeric_limits<std::int64_t>::min();
    queue_.advance(now_);
    // Whatever was due has fired.
    ASSERT_TRUE(model_.empty() || model_.begin()->first > now_);
  }

  void fired(ModelledTimer& timer) {
    ASSERT_FALSE(timer.armed());
    ASSERT_LE(timer.deadline, now_) << "early";
    ASSERT_EQ(timer.deadline, model_.begin()->first) << "out of order";
    ASSERT_GE(timer.deadline, latest_fired_);
    latest_fired_ = timer.deadline;
    model_.erase(timer.entry);
    if (!rearm_from_fire_) return;
    const std::uint64_t choice = random_() % 8;
    // Deadlines later than this one only, so that the order stays one that can be told.
    if (choice == 0) arm(timer, timer.deadline + 1 + up_to(kSecond));
    if (choice == 1) arm(timer, now_ + 1 + up_to(kDay));
    if (choice == 2) cancel(timers_[random_() % timers_.size()]);
  }

  void check_state() {
    ASSERT_EQ(queue_.size(), model_.size());
    if (random_() % 4 != 0) return;
    const std::int64_t wake = queue_.next_wake();
    if (model_.empty()) {
      ASSERT_EQ(wake, TimerQueue::kNever);
    } else {
      ASSERT_LE(wake, model_.begin()->first);
    }
  }

  std::vector<ModelledTimer> timers_{500};  // disarmed ones must outlive the queue
  std::mt19937_64 random_;
  std::int64_t now_;
  std::int64_t latest_fired_ = 0;
  bool rearm_from_fire_ = true;
  TimerQueue queue_;
  std::multimap<std::int64_t, ModelledTimer*> model_;
};

class TimerQueueModelTest : public testing::TestWithParam<std::uint64_t> {};

TEST_P(TimerQueueModelTest, AgreesOverRandomOperations) {
  std::mt19937_64 random(GetParam());
  // Also from clocks that stand just before a boundary of a level of the wheel.
  const std::int64_t start = GetParam() % 2 == 0
                                 ? static_cast<std::int64_t>(random() >> 8)
                                 : ((std::int64_t{7} << (20 + 8 * (GetParam() % 4))) - 1);
  Twins twins(GetParam(), start);
  const std::size_t operations = test::many_operations(50'000);
  for (std::size_t i = 0; i < operations; ++i) {
    twins.step();
    if (HasFatalFailure()) FAIL() << "at operation " << i << " of seed " << GetParam();
  }
  twins.finish();
}

INSTANTIATE_TEST_SUITE_P(Seeds, TimerQueueModelTest, testing::Range<std::uint64_t>(1, 9));

}  // namespace
}  // namespace colibri
