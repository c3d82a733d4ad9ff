// Calls of hooks are counted by name, and so are those that parked.
#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "colibri/core/inspect/metrics.h"
#include "colibri/core/scheduler.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

/// What the hook of this name has on its account, in all schedulers; 0 if it is not listed.
double count_of(std::string_view family_name, std::string_view symbol) {
  double sum = 0;
  for (const MetricFamily& family : collect_metrics()) {
    if (family.name != family_name) continue;
    for (const MetricSample& sample : family.samples) {
      const bool wanted = std::any_of(sample.labels.begin(), sample.labels.end(),
                                      [&](const auto& each) { return each.second == symbol; });
      if (wanted) sum += sample.value;
    }
  }
  return sum;
}

double calls_of(std::string_view symbol) {
  return count_of("colibri_hook_calls_total", symbol);
}
double parked_of(std::string_view symbol) {
  return count_of("colibri_hook_parked_total", symbol);
}

class HookCalls : public testing::Test {
 protected:
  void SetUp() override {
    enable_metrics();
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends_.data()), 0);
  }
  void TearDown() override {
    for (const int end : ends_) close(end);
  }

  /// A byte from one end to the other.
  void send_byte() const { ASSERT_EQ(write(ends_[1], "x", 1), 1); }
  void receive_byte() const {
    char byte = 0;
    ASSERT_EQ(read(ends_[0], &byte, 1), 1);
  }

  std::array<int, 2> ends_{};
};

TEST_F(HookCalls, ThatFindTheirDataDoNotPark) {
  test::run_in_scheduler([this] {
    for (int i = 0; i < 10; ++i) {
      send_byte();
      receive_byte();
    }
    EXPECT_EQ(calls_of("read"), 10);
    EXPECT_EQ(parked_of("read"), 0);
    EXPECT_EQ(calls_of("write"), 10);
    EXPECT_EQ(parked_of("write"), 0);
  });
}

TEST_F(HookCalls, ThatHaveToWaitPark) {
  test::run_in_scheduler([this] {
    auto reader = spawn([this] {
      for (int i = 0; i < 7; ++i) receive_byte();
    });
    for (int i = 0; i < 7; ++i) {
      yield();  // to the reader, which finds nothing
      send_byte();
      Scheduler::current("test").yield_to_loop();
    }
    reader.join();
    EXPECT_EQ(calls_of("read"), 7);
    EXPECT_EQ(parked_of("read"), 7);
    EXPECT_EQ(calls_of("recv"), 0) << "what the hook calls itself is nobody's call";
  });
}

TEST_F(HookCalls, ThatOnlyYieldHaveNotParked) {
  test::run_in_scheduler([this] {
    auto other = spawn([] {
      for (int i = 0; i < 10; ++i) yield();
    });
    // Every 64th call lets others run.
    for (int i = 0; i < 200; ++i) {
      send_byte();
      receive_byte();
    }
    other.join();
    EXPECT_EQ(calls_of("read"), 200);
    EXPECT_EQ(parked_of("read"), 0);
  });
}

TEST_F(HookCalls, AreCountedOnceHoweverOftenTheyPark) {
  test::run_in_scheduler([this] {
    auto reader = spawn([this] {
      std::array<char, 3> bytes{};
      EXPECT_EQ(recv(ends_[0], bytes.data(), bytes.size(), MSG_WAITALL), 3);
    });
    for (int i = 0; i < 3; ++i) {
      Scheduler::current("test").yield_to_loop();
      send_byte();
      Scheduler::current("test").yield_to_loop();
    }
    reader.join();
    EXPECT_EQ(calls_of("recv"), 1);
    EXPECT_EQ(parked_of("recv"), 1);
  });
}

TEST_F(HookCalls, OfOtherFamiliesHaveTheirNames) {
  test::run_in_scheduler([this] {
    usleep(1000);
    pollfd query{ends_[0], POLLIN, 0};
    EXPECT_EQ(poll(&query, 1, 1), 0);
    EXPECT_EQ(poll(&query, 1, 0), 0);
    EXPECT_EQ(calls_of("usleep"), 1);
    EXPECT_EQ(parked_of("usleep"), 1);
    EXPECT_EQ(calls_of("poll"), 2);
    EXPECT_EQ(parked_of("poll"), 1);
    EXPECT_EQ(calls_of("select"), 0);
  });
}

TEST_F(HookCalls, OfLocksAreThoseThatDidNotGetItAtOnce) {
  test::run_in_scheduler([] {
    auto* mutex = new pthread_mutex_t(PTHREAD_MUTEX_INITIALIZER);
    pthread_mutex_lock(mutex);
    EXPECT_EQ(calls_of("pthread_mutex_lock"), 0);
    auto other = spawn([mutex] {
      pthread_mutex_lock(mutex);
      pthread_mutex_unlock(mutex);
    });
    yield();
    pthread_mutex_unlock(mutex);
    other.join();
    EXPECT_EQ(calls_of("pthread_mutex_lock"), 1);
    EXPECT_EQ(parked_of("pthread_mutex_lock"), 1);
    delete mutex;
  });
}

TEST_F(HookCalls, OutsideCoroutinesAreNotCounted) {
  test::run_in_scheduler([] {});
  send_byte();
  receive_byte();
  EXPECT_EQ(calls_of("read"), 0);
}

TEST_F(HookCalls, AreToldInPrometheusText) {
  test::run_in_scheduler([this] {
    send_byte();
    std::string text;
    write_prometheus(text);
    EXPECT_NE(text.find("# TYPE colibri_hook_calls_total counter\n"), std::string::npos);
    EXPECT_NE(text.find("symbol=\"write\"} 1\n"), std::string::npos) << text;
    EXPECT_EQ(text.find("symbol=\"accept\""), std::string::npos) << "nobody has called it";
  });
}

}  // namespace
}  // namespace colibri
