// Questions to schedulers: answered between the slices of those who work, and whatever becomes of
// the scheduler.
#include "colibri/core/inspect/inquiry.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>

#include "colibri/core/runtime.h"
#include "colibri/core/sleep.h"
#include "test/support/leak_check.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Counts its calls; done after `parts` of them.
struct Counting : Inquiry {
  explicit Counting(int how_many) : parts(how_many) {}
  bool answer_some() override {
    thread = ::gettid();
    return ++calls >= parts;
  }
  void finish() noexcept override { ++finished; }
  int parts;
  int calls = 0;
  int finished = 0;
  pid_t thread = 0;
};

class InquiryTest : public testing::Test {
 protected:
  static Deadline soon() { return Deadline::after(seconds(60)); }

 private:
  test::DescriptorLeakCheck leaks_;
};

TEST_F(InquiryTest, IsAnsweredOnTheSchedulersThread) {
  const Runtime runtime(2);
  const std::vector<ListedScheduler> schedulers = all_schedulers();
  ASSERT_EQ(schedulers.size(), 2U);
  EXPECT_LT(schedulers[0].number, schedulers[1].number);
  for (const ListedScheduler& each : schedulers) {
    const auto inquiry = std::make_shared<Counting>(1);
    EXPECT_EQ(PendingInquiry(each, inquiry).wait_until(soon()), InquiryEnd::kAnswered);
    EXPECT_EQ(inquiry->thread, each.thread);
    EXPECT_EQ(inquiry->finished, 1);
    EXPECT_EQ(inquiry.use_count(), 1) << "the caller's alone";
  }
}

TEST_F(InquiryTest, LetsCoroutinesRunBetweenItsParts) {
  Runtime runtime(1);
  std::atomic<bool> stop{false};
  std::atomic<int> slices{0};
  runtime.go([&] {
    for (; !stop; yield()) ++slices;
  });
  struct Watching : Counting {
    using Counting::Counting;
    bool answer_some() override {
      others_ran += *slices != last ? 1 : 0;
      last = *slices;
      return Counting::answer_some();
    }
    const std::atomic<int>* slices = nullptr;
    int last = -1;
    int others_ran = 0;
  };
  const auto inquiry = std::make_shared<Watching>(20);
  inquiry->slices = &slices;
  const PendingInquiry pending(all_schedulers().front(), inquiry);
  EXPECT_EQ(pending.wait_until(soon()), InquiryEnd::kAnswered);
  stop = true;
  EXPECT_EQ(inquiry->calls, 20);
  EXPECT_EQ(inquiry->others_ran, 20);
}

TEST_F(InquiryTest, SaysThatItFailed) {
  struct Failing : Counting {
    using Counting::Counting;
    bool answer_some() override { throw std::runtime_error("no"); }
  };
  const Runtime runtime(1);
  const auto inquiry = std::make_shared<Failing>(1);
  const PendingInquiry pending(all_schedulers().front(), inquiry);
  EXPECT_EQ(pending.wait_until(soon()), InquiryEnd::kFailed);
  EXPECT_EQ(inquiry->finished, 1);
}

TEST_F(InquiryTest, OfOneWhoDoesNotLetGoIsNotAnsweredInTime) {
  Runtime runtime(1);
  std::atomic<bool> stop{false};
  std::atomic<bool> begun{false};
  runtime.go([&] {
    begun = true;
    while (!stop) {
    }
  });
  while (!begun) {
  }
  const auto inquiry = std::make_shared<Counting>(1);
  const PendingInquiry pending(all_schedulers().front(), inquiry);
  EXPECT_EQ(pending.wait_until(Deadline::after(milliseconds(20))), InquiryEnd::kNoAnswer);
  stop = true;
  EXPECT_EQ(pending.wait_until(soon()), InquiryEnd::kAnswered) << "later it is";
}

TEST_F(InquiryTest, EndsWithItsScheduler) {
  std::vector<ListedScheduler> schedulers;
  {
    const Runtime runtime(1);
    schedulers = all_schedulers();
  }
  EXPECT_TRUE(all_schedulers().empty());
  const auto inquiry = std::make_shared<Counting>(1);
  const PendingInquiry pending(schedulers.front(), inquiry);
  EXPECT_EQ(pending.wait_until(soon()), InquiryEnd::kNobodyThere);
  EXPECT_EQ(inquiry->calls, 0);
  EXPECT_EQ(inquiry->finished, 1);
}

TEST_F(InquiryTest, EndsWithItsSchedulerInTheMidst) {
  auto runtime = std::make_unique<Runtime>(1);
  const auto inquiry = std::make_shared<Counting>(1'000'000'000);
  const PendingInquiry pending(all_schedulers().front(), inquiry);
  runtime.reset();
  EXPECT_EQ(pending.wait_until(soon()), InquiryEnd::kNobodyThere);
  EXPECT_EQ(inquiry->finished, 1);
}

TEST_F(InquiryTest, InAForkedChildThereIsTheSchedulerThatForked) {
  const Runtime others(2);
  const int status = run([] {
    const pid_t child = ::fork();
    if (child == 0) {
      const auto schedulers = all_schedulers();
      const bool right = schedulers.size() == 1 && schedulers.front().thread == ::gettid();
      ::_exit(right ? 0 : 1);
    }
    int ended = 0;
    ::waitpid(child, &ended, 0);
    return ended;
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(all_schedulers().size(), 2U);
}

}  // namespace
}  // namespace colibri
