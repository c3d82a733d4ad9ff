// pthread_join and its kind give what libc gives.
#include <gtest/gtest.h>
#include <pthread.h>
#include <threads.h>

#include <algorithm>
#include <atomic>
#include <memory>

#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/hook/pthread_functions.h"
#include "test/support/bystander.h"
#include "test/support/captured_stderr.h"
#include "test/support/run_in_scheduler.h"

namespace colibri::test {
namespace {

constexpr long kMillisecond = 1'000'000;
constexpr long kHour = 3'600'000'000'000;

struct Joins {
  decltype(&pthread_join) join;
  decltype(&pthread_timedjoin_np) timed;
  decltype(&pthread_clockjoin_np) by_clock;
};

const Joins& joins_of(const Session& session) {
  static const Joins hooks{&pthread_join, &pthread_timedjoin_np, &pthread_clockjoin_np};
  static const Joins libc{session.either("pthread_join", &pthread_join),
                          session.either("pthread_timedjoin_np", &pthread_timedjoin_np),
                          session.either("pthread_clockjoin_np", &pthread_clockjoin_np)};
  return &session.libc == &real_libc() ? libc : hooks;
}

/// A plain thread that ends when it is told to, with a value of its own.
class PlainThread {
 public:
  PlainThread() {
    // A copy of its own, since it may be detached and outlive this object.
    auto* own = new Flag(may_end_);
    EXPECT_EQ(pthread_create(&thread_, nullptr, &wait_for_end, own), 0);
  }
  pthread_t id() const noexcept { return thread_; }
  void end() const noexcept { *may_end_ = true; }
  /// For helpers, which may not refer to the flow's frames.
  std::shared_ptr<std::atomic<bool>> may_end() const noexcept { return may_end_; }
  static void* value() noexcept { return &value_; }

 private:
  using Flag = std::shared_ptr<std::atomic<bool>>;

  static void* wait_for_end(void* given) {
    const std::unique_ptr<Flag> may_end(static_cast<Flag*>(given));
    const timespec pause{0, 200'000};
    while (!**may_end) real::nanosleep(&pause, nullptr);
    return &value_;
  }
  inline static char value_;
  Flag may_end_ = std::make_shared<std::atomic<bool>>(false);
  pthread_t thread_{};
};

/// Joins, and notes the error and whose value came.
template <class Join>
void note_join(Session& session, Join join) {
  void* value = nullptr;
  note_error(session, [&] { return join(&value); });
  session.append(value == nullptr ? "-" : value == PlainThread::value() ? "value" : "other");
}

const ParityCase kCases[] = {
    {"OfAThreadThatHasEnded", "0 value",
     [](Session& session) {
       const PlainThread thread;
       thread.end();
       note_join(session, [&](void** value) { return joins_of(session).join(thread.id(), value); });
     }},
    {"OfAThreadThatEndsMeanwhile", "0 value",
     [](Session& session) {
       const PlainThread thread;
       session.meanwhile([may_end = thread.may_end()] { *may_end = true; });
       note_join(session, [&](void** value) { return joins_of(session).join(thread.id(), value); });
       session.finish_helpers();
     }},
    {"WithoutRoomForTheValue", "0",
     [](Session& session) {
       const PlainThread thread;
       session.meanwhile([may_end = thread.may_end()] { *may_end = true; });
       note_error(session, [&] { return joins_of(session).join(thread.id(), nullptr); });
       session.finish_helpers();
     }},
    {"OfTheOwnThread", "EDEADLK",
     [](Session& session) {
       note_error(session, [&] { return joins_of(session).join(pthread_self(), nullptr); });
     }},
    {"OfADetachedThread", "EINVAL",
     [](Session& session) {
       const PlainThread thread;
       EXPECT_EQ(pthread_detach(thread.id()), 0);
       note_error(session, [&] { return joins_of(session).join(thread.id(), nullptr); });
       thread.end();
     }},
    {"InTime", "0 value",
     [](Session& session) {
       const PlainThread thread;
       session.meanwhile([may_end = thread.may_end()] { *may_end = true; });
       const timespec until = from_now(CLOCK_REALTIME, kHour);
       note_join(session,
                 [&](void** value) { return joins_of(session).timed(thread.id(), value, &until); });
       session.finish_helpers();
     }},
    {"TooLate", "ETIMEDOUT -, ETIMEDOUT -, ETIMEDOUT -, 0 value",
     [](Session& session) {
       const PlainThread thread;
       const Joins& joins = joins_of(session);
       const timespec soon = from_now(CLOCK_REALTIME, 3 * kMillisecond);
       note_join(session, [&](void** value) { return joins.timed(thread.id(), value, &soon); });
       const timespec past = from_now(CLOCK_MONOTONIC, -kHour);
       note_join(session, [&](void** value) {
         return joins.by_clock(thread.id(), value, CLOCK_MONOTONIC, &past);
       });
       const timespec soon_too = from_now(CLOCK_MONOTONIC, 3 * kMillisecond);
       note_join(session, [&](void** value) {
         return joins.by_clock(thread.id(), value, CLOCK_MONOTONIC, &soon_too);
       });
       thread.end();
       note_join(session, [&](void** value) { return joins.join(thread.id(), value); });
     }},
    {"WithoutATime", "0 value, 0 value",
     [](Session& session) {
       const Joins& joins = joins_of(session);
       const PlainThread first;
       const PlainThread second;
       first.end();
       second.end();
       note_join(session, [&](void** value) { return joins.timed(first.id(), value, nullptr); });
       note_join(session, [&](void** value) {
         return joins.by_clock(second.id(), value, CLOCK_MONOTONIC, nullptr);
       });
     }},
    {"ByTheNameOfC11", "0 7, 0 7",
     [](Session& session) {
       const auto join = session.either("thrd_join", &thrd_join);
       for (const bool ends_meanwhile : {false, true}) {
         const auto may_end = std::make_shared<std::atomic<bool>>(!ends_meanwhile);
         thrd_t thread;
         const auto body = [](void* given) {
           const auto& flag = *static_cast<std::atomic<bool>*>(given);
           const timespec pause{0, 200'000};
           while (!flag) real::nanosleep(&pause, nullptr);
           return 7;
         };
         EXPECT_EQ(thrd_create(&thread, body, may_end.get()), thrd_success);
         if (ends_meanwhile) session.meanwhile([may_end] { *may_end = true; });
         int result = 0;
         session.note(std::to_string(join(thread, &result)));
         session.append(std::to_string(result));
         session.finish_helpers();
       }
     }},
};

class ThreadJoinParity : public testing::TestWithParam<ParityCase> {};

TEST_P(ThreadJoinParity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Cases, ThreadJoinParity, testing::ValuesIn(kCases),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

// libc does not look at these, and then asks the kernel for ever.
TEST(ThreadJoin, RefusesBadTimesAndClocks) {
  run_in_scheduler([] {
    const PlainThread thread;
    const timespec bad{0, -1};
    EXPECT_EQ(pthread_timedjoin_np(thread.id(), nullptr, &bad), EINVAL);
    const timespec good = from_now(CLOCK_BOOTTIME, kHour);
    EXPECT_EQ(pthread_clockjoin_np(thread.id(), nullptr, CLOCK_BOOTTIME, &good), EINVAL);
    thread.end();
    EXPECT_EQ(pthread_join(thread.id(), nullptr), 0);
  });
}

TEST(ThreadJoin, OnlyTheTimedFormsAreEndedByATimeLimitAndByCancel) {
  run_in_scheduler([] {
    const PlainThread thread;
    const timespec late = from_now(CLOCK_REALTIME, kHour);
    {
      const TimeLimit limit(std::chrono::milliseconds(2));
      EXPECT_EQ(pthread_timedjoin_np(thread.id(), nullptr, &late), ETIMEDOUT);
    }
    auto canceled = spawn([&] { return pthread_timedjoin_np(thread.id(), nullptr, &late); });
    yield();
    canceled.cancel();
    EXPECT_EQ(canceled.join(), ECANCELED);
    auto untimed = spawn([&] { return pthread_join(thread.id(), nullptr); });
    yield();
    untimed.cancel();
    sleep_for(std::chrono::milliseconds(2));
    EXPECT_FALSE(untimed.done());
    thread.end();
    EXPECT_EQ(untimed.join(), 0);
  });
}

TEST(ThreadJoin, OfAStandardThreadLetsOthersRun) {
  run_in_scheduler([] {
    const Bystander bystander;
    const int before = bystander.turns();
    std::atomic<bool> may_end{false};
    std::thread thread([&] {
      while (!may_end) std::this_thread::yield();
    });
    go([&] { may_end = true; });
    thread.join();
    EXPECT_GT(bystander.turns(), before);
  });
}

TEST(ThreadCancel, OfTheOwnThreadIsRefusedInACoroutine) {
  run_in_scheduler([] {
    std::string log;
    int result = 0;
    {
      CapturedStderr captured;
      result = pthread_cancel(pthread_self());
      log = captured.text();
    }
    EXPECT_EQ(result, ENOTSUP);
    EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 1);
    EXPECT_NE(log.find("pthread_cancel"), std::string::npos);
    pthread_testcancel();
  });
}

TEST(ThreadCancel, ReachesOtherThreads) {
  run_in_scheduler([] {
    const PlainThread thread;
    EXPECT_EQ(pthread_cancel(thread.id()), 0);
    void* value = nullptr;
    EXPECT_EQ(pthread_join(thread.id(), &value), 0);
    EXPECT_EQ(value, PTHREAD_CANCELED);
  });
}

}  // namespace
}  // namespace colibri::test
