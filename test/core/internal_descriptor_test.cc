#include "colibri/core/internal_descriptor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <string>
#include <system_error>
#include <thread>

#include "colibri/core/libc.h"
#include "test/support/descriptors.h"
#include "test/support/leak_check.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using test::DescriptorLeakCheck;

int new_eventfd() {
  return real::eventfd(0, EFD_NONBLOCK);
}

bool is_open(int descriptor) {
  return real::fcntl(descriptor, F_GETFD) >= 0;
}

class InternalDescriptorTest : public testing::Test {
 private:
  DescriptorLeakCheck leaks_;
};

TEST_F(InternalDescriptorTest, MovesToTheTopOfTheRange) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  InternalDescriptor descriptor;
  EXPECT_EQ(descriptor.number(), -1);
  const int low = new_eventfd();
  descriptor.adopt(low, "test");
  EXPECT_GE(descriptor.number(), static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 65'536)) - 64);
  EXPECT_FALSE(is_open(low));
  EXPECT_TRUE(is_open(descriptor.number()));
}

TEST_F(InternalDescriptorTest, IsClosedOnExec) {
  InternalDescriptor descriptor;
  descriptor.adopt(new_eventfd(), "test");
  EXPECT_EQ(real::fcntl(descriptor.number(), F_GETFD), FD_CLOEXEC);
}

TEST_F(InternalDescriptorTest, IsKnownAsOursWhileItLives) {
  const test::DescriptorPair pipe = test::DescriptorPair::pipe();
  int number = -1;
  {
    InternalDescriptor first;
    InternalDescriptor second;
    first.adopt(new_eventfd(), "test");
    second.adopt(new_eventfd(), "test");
    number = first.number();
    EXPECT_TRUE(is_internal_descriptor(first.number()));
    EXPECT_TRUE(is_internal_descriptor(second.number()));
    EXPECT_FALSE(is_internal_descriptor(pipe.reader()));
    EXPECT_FALSE(is_internal_descriptor(-1));
  }
  EXPECT_FALSE(is_internal_descriptor(number));
  EXPECT_FALSE(is_open(number));
}

TEST_F(InternalDescriptorTest, GivesWayWhenItsNumberIsClaimed) {
  InternalDescriptor descriptor;
  descriptor.adopt(new_eventfd(), "test");
  const int claimed = descriptor.number();
  yield_descriptor_number(claimed);
  const int moved = descriptor.number();
  EXPECT_NE(moved, claimed);
  EXPECT_TRUE(is_internal_descriptor(moved));
  EXPECT_FALSE(is_internal_descriptor(claimed));
  // What dup2 does: the old number now means something else, and ours lives on.
  const test::DescriptorPair pipe = test::DescriptorPair::pipe();
  ASSERT_EQ(real::dup2(pipe.reader(), claimed), claimed);
  const std::uint64_t one = 1;
  EXPECT_EQ(real::write(moved, &one, sizeof one), static_cast<ssize_t>(sizeof one));
  EXPECT_EQ(real::fcntl(moved, F_GETFD), FD_CLOEXEC);
  real::close(claimed);
}

TEST_F(InternalDescriptorTest, ClaimingSomeOtherNumberMovesNothing) {
  InternalDescriptor descriptor;
  descriptor.adopt(new_eventfd(), "test");
  const int number = descriptor.number();
  yield_descriptor_number(number + 1);
  yield_descriptor_number(0);
  EXPECT_EQ(descriptor.number(), number);
}

TEST_F(InternalDescriptorTest, AdoptingAnotherClosesTheFirst) {
  InternalDescriptor descriptor;
  descriptor.adopt(new_eventfd(), "test");
  descriptor.adopt(new_eventfd(), "test");
  EXPECT_TRUE(is_open(descriptor.number()));
}

TEST_F(InternalDescriptorTest, LeavesAloneWhoHasGotItsNumber) {
  const test::DescriptorPair pipe = test::DescriptorPair::pipe();
  int number = -1;
  {
    InternalDescriptor descriptor;
    descriptor.adopt(new_eventfd(), "test");
    number = descriptor.number();
    real::close(number);
    ASSERT_EQ(real::dup2(pipe.reader(), number), number);
  }
  EXPECT_FALSE(is_internal_descriptor(number));
  EXPECT_TRUE(is_open(number));
  real::close(number);
}

TEST_F(InternalDescriptorTest, LeavesAloneAnotherOfOursThatHasGotItsNumber) {
  InternalDescriptor second;
  int number = -1;
  {
    InternalDescriptor first;
    first.adopt(new_eventfd(), "test");
    number = first.number();
    real::close(number);
    second.adopt(new_eventfd(), "test");
    ASSERT_EQ(second.number(), number) << "the kernel gives out the lowest that is free";
  }
  EXPECT_TRUE(is_internal_descriptor(number));
  EXPECT_TRUE(is_open(number));
}

TEST_F(InternalDescriptorTest, AFailedDescriptorIsRefusedWithTheReason) {
  InternalDescriptor descriptor;
  errno = EMFILE;
  try {
    descriptor.adopt(-1, "making the test's descriptor");
    FAIL() << "nothing was thrown";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), EMFILE);
    EXPECT_NE(std::string(error.what()).find("making the test's descriptor"), std::string::npos);
  }
}

TEST_F(InternalDescriptorTest, ThoseOfASchedulerAreOurs) {
  test::run_in_scheduler([] {
    EXPECT_GE(test::internal_descriptor_of_kind("eventpoll"), 0);
    EXPECT_GE(test::internal_descriptor_of_kind("eventfd"), 0);
  });
  EXPECT_EQ(test::internal_descriptor_of_kind("eventpoll"), -1);
  EXPECT_EQ(test::internal_descriptor_of_kind("eventfd"), -1);
}

TEST_F(InternalDescriptorTest, ThreadsAdoptAndAskAtTheSameTime) {
  std::atomic<bool> stop{false};
  std::thread asker([&] {
    while (!stop) {
      EXPECT_FALSE(is_internal_descriptor(2));
      is_internal_descriptor(19'990);
    }
  });
  for (int i = 0; i < 500; ++i) {
    InternalDescriptor descriptor;
    descriptor.adopt(new_eventfd(), "test");
    const int claimed = descriptor.number();
    yield_descriptor_number(claimed);
    real::close(claimed);  // the number is the program's now
  }
  stop = true;
  asker.join();
}

}  // namespace
}  // namespace colibri
