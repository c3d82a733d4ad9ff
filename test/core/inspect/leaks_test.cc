#include "colibri/core/inspect/leaks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "colibri/core/channel.h"
#include "colibri/core/select.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/captured_stderr.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using test::run_in_scheduler;
using test::stderr_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> names_of_leaks() {
  std::vector<std::string> names;
  for (const CoroutineInfo& each : find_leaks()) names.push_back(each.name);
  return names;
}

TEST(Leaks, OneThatReceivesFromAChannelOfItsOwnIsNamed) {
  run_in_scheduler([] {
    go({.name = "leaked"}, [channel = Channel<int>()] { channel.receive(); });
    yield();
    EXPECT_THAT(names_of_leaks(), ElementsAre("leaked"));
  });
}

TEST(Leaks, OneThatIteratesIsNamedToo) {
  run_in_scheduler([] {
    go({.name = "leaked"}, [channel = Channel<int>()] {
      for (const int each : channel) static_cast<void>(each);
    });
    yield();
    EXPECT_THAT(names_of_leaks(), ElementsAre("leaked"));
  });
}

TEST(Leaks, OneWhoseChannelSomebodyHoldsIsNot) {
  run_in_scheduler([] {
    const Channel<int> channel;
    go([channel] { channel.receive(); });
    yield();
    EXPECT_THAT(names_of_leaks(), IsEmpty());
    channel.close();
  });
}

TEST(Leaks, OneThatRefersToAHandleElsewhereIsNot) {
  run_in_scheduler([] {
    const Channel<int> channel;
    Task<void> receiver = spawn([&channel] { channel.receive(); });
    yield();
    EXPECT_THAT(names_of_leaks(), IsEmpty());
    channel.close();
    receiver.join();
  });
}

TEST(Leaks, AHandleInTheHeapIsSomebodys) {
  run_in_scheduler([] {
    const auto holder = std::make_unique<Channel<int>>();
    go([channel = *holder] { channel.receive(); });
    yield();
    EXPECT_THAT(names_of_leaks(), IsEmpty());
  });
}

TEST(Leaks, TwoThatWaitForEachOtherAreBothNamed) {
  run_in_scheduler([] {
    {
      const Channel<int> there;
      const Channel<int> back;
      go({.name = "one"}, [there, back] {
        there.receive();
        back.send(1);
      });
      go({.name = "two"}, [there, back] {
        back.receive();
        there.send(1);
      });
    }
    yield();
    EXPECT_THAT(names_of_leaks(), ElementsAre("two", "one"));
  });
}

TEST(Leaks, WhoMayGoOnKeepsThoseToWhomItMaySendOffTheList) {
  run_in_scheduler([] {
    const Channel<int> open;
    go([open, inner = Channel<int>()] {
      go([inner] { inner.receive(); });
      select(on_receive(open, [](int) {}), on_receive(inner, [](int) {}));
    });
    yield();
    yield();
    EXPECT_THAT(names_of_leaks(), IsEmpty());
    open.close();
  });
}

TEST(Leaks, AWaitWithADeadlineIsNone) {
  run_in_scheduler([] {
    go([channel = Channel<int>()] { channel.try_receive_for(std::chrono::hours(1)); });
    yield();
    EXPECT_THAT(names_of_leaks(), IsEmpty());
  });
}

TEST(Leaks, AreWrittenAtTheEndOfRun) {
  const auto leak = [] {
    run_in_scheduler([] {
      go({.name = "leaked"}, [channel = Channel<int>()] { channel.receive(); });
      yield();
    });
  };
  report_leaks_at_end(true);
  const std::string text = stderr_of(leak);
  report_leaks_at_end(false);
  EXPECT_THAT(text, HasSubstr("parked for ever on channels that nobody else holds:\n#"));
  EXPECT_THAT(text, HasSubstr("'leaked'"));
  EXPECT_EQ(stderr_of(leak), "");
}

}  // namespace
}  // namespace colibri
