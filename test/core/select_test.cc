#include "colibri/core/select.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using test::run_in_scheduler;

const auto kNothing = [] {};
const auto kIgnore = [](int) {};

TEST(Select, TakesWhatIsThere) {
  run_in_scheduler([] {
    Channel<int> empty(1);
    Channel<int> full(1);
    full.send(5);
    int got = 0;
    EXPECT_EQ(select(on_receive(empty, kIgnore), on_receive(full, [&](int n) { got = n; })), 1U);
    EXPECT_EQ(got, 5);
    EXPECT_EQ(full.size(), 0U);
  });
}

TEST(Select, WaitsForTheFirstToCome) {
  run_in_scheduler([] {
    Channel<int> numbers;
    Channel<std::string> words;
    go([words] {
      yield();
      words.send("hello");
    });
    std::string got;
    EXPECT_EQ(
        select(on_receive(numbers, kIgnore), on_receive(words, [&](std::string w) { got = w; })),
        1U);
    EXPECT_EQ(got, "hello");
    EXPECT_FALSE(numbers.try_send(1)) << "the loser has been withdrawn";
  });
}

TEST(Select, SendsToTheFirstWhoReceives) {
  run_in_scheduler([] {
    Channel<std::unique_ptr<int>> first;
    Channel<std::unique_ptr<int>> second;
    auto receiver = spawn([second] { return **second.receive(); });
    auto value = std::make_unique<int>(6);
    auto other = std::make_unique<int>(7);
    bool sent = false;
    EXPECT_EQ(select(on_send(first, std::move(other), kNothing),
                     on_send(second, std::move(value), [&] { sent = true; })),
              1U);
    EXPECT_TRUE(sent);
    EXPECT_EQ(value, nullptr);
    EXPECT_NE(other, nullptr) << "what was not sent is still the caller's";
    EXPECT_EQ(receiver.join(), 6);
    EXPECT_EQ(first.try_receive(), std::nullopt);
  });
}

TEST(Select, SendsCopiesOfWhatItMayNotMove) {
  Channel<std::string> words(1);
  const std::string word = "kept";
  EXPECT_EQ(select(on_send(words, word, kNothing)), 0U);
  EXPECT_EQ(word, "kept");
  EXPECT_EQ(words.receive(), "kept");
}

TEST(Select, TimesOut) {
  run_in_scheduler([] {
    Channel<int> numbers;
    bool late = false;
    EXPECT_EQ(
        select(on_receive(numbers, kIgnore), on_timeout(milliseconds(1), [&] { late = true; }),
               on_timeout(hours(1), kNothing)),
        1U);
    EXPECT_TRUE(late);
    EXPECT_FALSE(numbers.try_send(1));
  });
}

TEST(Select, OtherwiseGoesAheadWhenNothingElseCan) {
  run_in_scheduler([] {
    Channel<int> numbers(1);
    bool idle = false;
    const auto poll = [&] {
      return select(otherwise([&] { idle = true; }), on_receive(numbers, kIgnore));
    };
    EXPECT_EQ(poll(), 0U);
    EXPECT_TRUE(idle);
    numbers.send(1);
    EXPECT_EQ(poll(), 1U);
  });
}

TEST(Select, AClosedChannelIsLeftOutOrReported) {
  run_in_scheduler([] {
    Channel<int> closed;
    Channel<int> open(1);
    closed.close();
    open.send(1);
    EXPECT_EQ(select(on_receive(closed, kIgnore), on_receive(open, kIgnore)), 1U);
    EXPECT_EQ(select(on_receive(closed, kIgnore), on_send(closed, 1, kNothing)), kNothingSelected);
    bool over = false;
    EXPECT_EQ(select(on_receive(closed, [&](std::optional<int> n) { over = !n.has_value(); })), 0U);
    EXPECT_TRUE(over);
  });
}

TEST(Select, AChannelThatClosesMeanwhileIsLeftOutOrReported) {
  run_in_scheduler([] {
    Channel<int> first;
    Channel<int> second;
    go([first, second] {
      first.close();
      yield();
      yield();
      second.send(2);
    });
    EXPECT_EQ(select(on_receive(first, kIgnore), on_receive(second, kIgnore)), 1U);
    go([second] { second.close(); });
    bool over = false;
    EXPECT_EQ(select(on_receive(second, [&](std::optional<int> n) { over = !n.has_value(); })), 0U);
    EXPECT_TRUE(over);
    Channel<int> third;
    go([third] { third.close(); });
    auto value = std::make_unique<int>(1);
    EXPECT_EQ(select(on_send(third, 1, kNothing)), kNothingSelected);
  });
}

TEST(Select, DoesNotSendToItself) {
  run_in_scheduler([] {
    Channel<int> numbers;
    EXPECT_EQ(select(on_send(numbers, 1, kNothing), on_receive(numbers, kIgnore),
                     on_timeout(milliseconds(1), kNothing)),
              2U);
    // But two such selects serve each other.
    auto other = spawn(
        [numbers] { return select(on_send(numbers, 1, kNothing), on_receive(numbers, kIgnore)); });
    yield();
    const std::size_t mine = select(on_send(numbers, 2, kNothing), on_receive(numbers, kIgnore));
    EXPECT_EQ(mine + other.join(), 1U) << "one sent, the other received";
  });
}

TEST(Select, IsFairToWhatIsAlwaysReady) {
  run_in_scheduler([] {
    Channel<int> channels[3] = {Channel<int>(1), Channel<int>(1), Channel<int>(1)};
    int chosen[3] = {};
    for (int i = 0; i < 3'000; ++i) {
      for (const auto& channel : channels) channel.try_send(1);
      ++chosen[select(on_receive(channels[0], kIgnore), on_receive(channels[1], kIgnore),
                      on_receive(channels[2], kIgnore))];
    }
    for (int count : chosen) EXPECT_GT(count, 500);
  });
}

TEST(Select, CancelAndTimeLimitEndIt) {
  run_in_scheduler([] {
    Channel<int> numbers;
    auto value = std::make_unique<int>(1);
    Channel<std::unique_ptr<int>> pointers;
    auto task = spawn([&] {
      select(on_receive(numbers, kIgnore), on_send(pointers, std::move(value), kNothing));
    });
    yield();
    task.cancel();
    EXPECT_THROW(task.join(), Canceled);
    EXPECT_NE(value, nullptr);
    const TimeLimit limit(milliseconds(1));
    EXPECT_THROW(select(on_receive(numbers, kIgnore)), std::system_error);
  });
}

TEST(Select, AFunctionMayThrowAndMaySelectAgain) {
  run_in_scheduler([] {
    Channel<int> numbers(2);
    numbers.send(1);
    numbers.send(2);
    int sum = 0;
    select(on_receive(numbers, [&](int first) {
      select(on_receive(numbers, [&](int second) { sum = first + second; }));
    }));
    EXPECT_EQ(sum, 3);
    numbers.send(3);
    EXPECT_THROW(select(on_receive(numbers, [](int) { throw std::runtime_error("3"); })),
                 std::runtime_error);
  });
}

TEST(Select, TheSameChannelTwiceIsAllRight) {
  run_in_scheduler([] {
    Channel<int> numbers;
    go([numbers] { numbers.send(1); });
    const std::size_t selected = select(on_receive(numbers, kIgnore), on_receive(numbers, kIgnore));
    EXPECT_LT(selected, 2U);
  });
}

}  // namespace
}  // namespace colibri
