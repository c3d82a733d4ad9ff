// Traces: each slice, spawn and wake is there, by the words of the file that is written.
#include "colibri/core/inspect/trace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <thread>

#include "colibri/core/channel.h"
#include "colibri/core/coroutine.h"
#include "colibri/core/descriptor_wait.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/descriptors.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using test::DescriptorPair;
using test::run_in_scheduler;

/// What has been recorded so far; by other tests, too, whose coroutines have other names.
class Trace {
 public:
  const json& events() const { return events_; }
  /// Those of one kind and name.
  json events_of(const std::string& phase, const std::string& name) const {
    json found = json::array();
    for (const json& event : events_) {
      if (event["ph"] == phase && event["name"] == name) found.push_back(event);
    }
    return found;
  }
  json slices_of(const std::string& name) const { return events_of("X", name); }
  /// How many of somebody's slices ended so.
  std::ptrdiff_t count_ends(const std::string& name, const std::string& then) const {
    const json slices = slices_of(name);
    return std::count_if(slices.begin(), slices.end(),
                         [&](const json& slice) { return slice["args"]["then"] == then; });
  }

 private:
  json events_ = json::parse(trace_as_json())["traceEvents"];
};

Trace trace_of(const std::function<void()>& body) {
  start_trace();
  run_in_scheduler(body);
  stop_trace();
  return {};
}

/// Two coroutines that yield to each other `rounds` times: each yield is a switch.
void yield_in_turn(const char* name, int rounds) {
  const auto yields = [rounds] {
    for (int i = 0; i < rounds; ++i) yield();
  };
  auto other = spawn({.name = name}, yields);
  spawn({.name = name}, yields).join();
  other.join();
}

TEST(TraceTest, HasEachSlice) {
  const Trace trace = trace_of([] { yield_in_turn("yielder", 5); });
  EXPECT_EQ(trace.slices_of("yielder").size(), 12);
  EXPECT_EQ(trace.count_ends("yielder", "yields"), 10);
  EXPECT_EQ(trace.count_ends("yielder", "ended"), 2);
}

TEST(TraceTest, SlicesOfAThreadFollowEachOther) {
  const Trace trace = trace_of([] { yield_in_turn("one of two", 3); });
  double end_of_last = 0;
  for (const json& event : trace.events()) {
    if (event["ph"] != "X") continue;
    const double begin = event["ts"];
    const double duration = event["dur"];
    EXPECT_GE(duration, 0);
    EXPECT_GE(begin, end_of_last - 0.002);  // as much as rounding may take
    end_of_last = begin + duration;
  }
  EXPECT_EQ(trace.slices_of("one of two").size(), 8);
}

TEST(TraceTest, SaysWhyASliceEnded) {
  const DescriptorPair pair = DescriptorPair::pipe();
  const Trace trace = trace_of([&pair] {
    const Channel<int> numbers;
    auto receiver = spawn({.name = "receiver"}, [numbers] { numbers.receive(); });
    auto reader = spawn({.name = "reader"}, [descriptor = pair.reader()] {
      wait_ready(descriptor, Direction::kRead, {});
    });
    spawn({.name = "sleeper"}, [] { sleep_for(milliseconds(1)); }).join();
    numbers.send(1);
    pair.put(1);
    receiver.join();
    reader.join();
  });
  EXPECT_EQ(trace.count_ends("receiver", "waits for another coroutine or thread"), 1);
  const std::string readable =
      "waits until descriptor " + std::to_string(pair.reader()) + " is readable";
  EXPECT_EQ(trace.count_ends("reader", readable), 1);
  EXPECT_EQ(trace.count_ends("sleeper", "sleeps"), 1);
  for (const char* name : {"receiver", "reader", "sleeper"}) {
    EXPECT_EQ(trace.slices_of(name).size(), 2) << name;
    EXPECT_EQ(trace.count_ends(name, "ended"), 1) << name;
  }
}

TEST(TraceTest, HasEachSpawn) {
  const Trace trace = trace_of([] {
    for (int i = 0; i < 4; ++i) yield_in_turn("child", 1);
  });
  EXPECT_EQ(trace.events_of("i", "spawn child").size(), 8);
  EXPECT_EQ(trace.slices_of("child").size(), 16);
}

TEST(TraceTest, ArrowsLeadToTheSlicesOfThoseWhoWereWoken) {
  const Trace trace = trace_of([] {
    const Channel<int> numbers;
    auto receiver = spawn({.name = "woken"}, [numbers] {
      for (int i = 0; i < 3; ++i) numbers.receive();
    });
    for (int i = 0; i < 3; ++i) {
      yield();  // so that it waits
      numbers.send(i);
    }
    receiver.join();
  });
  const json starts = trace.events_of("s", "wake");
  const json slices = trace.slices_of("woken");
  std::size_t arrows = 0;
  for (const json& end : trace.events_of("f", "wake")) {
    // Each has its beginning, no later.
    const auto start = std::find_if(starts.begin(), starts.end(),
                                    [&](const json& each) { return each["id"] == end["id"]; });
    ASSERT_NE(start, starts.end());
    EXPECT_LE((*start)["ts"].get<double>(), end["ts"].get<double>());
    arrows += static_cast<std::size_t>(std::count_if(
        slices.begin(), slices.end(), [&](const json& slice) { return slice["ts"] == end["ts"]; }));
  }
  // One by its spawner, three by the sender.
  EXPECT_EQ(slices.size(), 4);
  EXPECT_EQ(arrows, 4);
}

TEST(TraceTest, ResumedCoroutinesHaveSlicesOfTheirOwn) {
  const Trace trace = trace_of([] {
    spawn({.name = "resumer"}, [] {
      Coroutine inner(
          [] {
            Coroutine::yield();
            sleep_for(milliseconds(1));
          },
          {.name = "resumed"});
      inner.resume();
      inner.resume();
    }).join();
  });
  EXPECT_EQ(trace.slices_of("resumed").size(), 3);
  EXPECT_EQ(trace.count_ends("resumed", "suspended"), 1);
  EXPECT_EQ(trace.count_ends("resumed", "sleeps"), 1);
  EXPECT_EQ(trace.count_ends("resumed", "ended"), 1);
  EXPECT_EQ(trace.count_ends("resumer", "resumes another"), 2);
}

TEST(TraceTest, BeginsAndEndsInSchedulersThatRun) {
  const Channel<int> waits;
  const Channel<int> to_other;
  std::thread other([waits, to_other] {
    run([&] {
      spawn({.name = "on another thread"}, [waits, to_other] {
        for (int i = 0; i < 3; ++i) {
          waits.send(i);
          to_other.receive();
          sleep_for(milliseconds(1));  // so that the loop looks at messages
        }
      }).join();
    });
  });
  const auto let_go_on = [&] {
    waits.receive();
    to_other.send(0);
  };
  let_go_on();
  waits.receive();
  start_trace();
  to_other.send(0);
  waits.receive();
  stop_trace();
  to_other.send(0);
  other.join();
  const Trace trace;
  EXPECT_EQ(trace.count_ends("on another thread", "ended"), 0);
  EXPECT_GE(trace.slices_of("on another thread").size(), 1);
}

TEST(TraceTest, RecordsNothingOnceItHasStopped) {
  trace_of([] { spawn({.name = "recorded"}, [] {}).join(); });
  run_in_scheduler([] { yield_in_turn("not recorded", 1); });
  const Trace trace;
  EXPECT_EQ(trace.slices_of("recorded").size(), 1);
  EXPECT_EQ(trace.slices_of("not recorded").size(), 0);
  EXPECT_EQ(thread_state.watch, nullptr);
}

TEST(TraceTest, KeepsTheLastEventsOfAThread) {
  constexpr std::size_t kEvents = 64;
  start_trace(kEvents);
  std::thread([] {
    run([] {
      spawn({.name = "first of many"}, [] {}).join();
      yield_in_turn("many", 1000);
      spawn({.name = "last of many"}, [] {}).join();
    });
  }).join();
  stop_trace();
  const Trace trace;
  EXPECT_EQ(trace.slices_of("first of many").size(), 0);
  EXPECT_GE(trace.slices_of("many").size(), 1);
  EXPECT_LT(trace.slices_of("many").size(), kEvents);
  EXPECT_EQ(trace.slices_of("last of many").size(), 1);
}

TEST(TraceTest, ExceptionsStayWithTheirCoroutines) {
  const Trace trace = trace_of([] {
    const auto handle_one = [] {
      try {
        throw 1;
      } catch (int) {
        yield();
        EXPECT_EQ(std::uncaught_exceptions(), 0);
        EXPECT_THROW(throw, int);
      }
    };
    auto first = spawn({.name = "handler"}, handle_one);
    auto second = spawn({.name = "handler"}, handle_one);
    first.join();
    second.join();
    EXPECT_EQ(std::current_exception(), nullptr);
  });
  EXPECT_EQ(trace.slices_of("handler").size(), 4);
}

TEST(TraceTest, NamesAreQuoted) {
  const Trace trace = trace_of([] { spawn({.name = "a \"name\" \\ of\nlines"}, [] {}).join(); });
  EXPECT_EQ(trace.slices_of("a \"name\" \\ of\nlines").size(), 1);
}

TEST(TraceTest, SaysWhichFileCannotBeWritten) {
  try {
    write_trace("/nowhere/trace.json");
    FAIL() << "it was written";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::no_such_file_or_directory);
    EXPECT_NE(std::string(error.what()).find("/nowhere/trace.json"), std::string::npos);
  }
}

}  // namespace
}  // namespace colibri
