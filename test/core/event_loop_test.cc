#include "colibri/core/event_loop.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <thread>

#include "colibri/core/descriptor_wait.h"
#include "colibri/core/libc.h"
#include "colibri/core/parker.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/descriptors.h"
#include "test/support/leak_check.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;
using test::DescriptorPair;
using test::internal_descriptor_of_kind;

class EventLoopTest : public testing::Test {
 private:
  test::DescriptorLeakCheck leaks_;

 protected:
  EventLoop loop_;
};

TEST_F(EventLoopTest, KnowsWhatWasAttached) {
  const DescriptorPair pipe = DescriptorPair::pipe();
  EXPECT_EQ(loop_.find(pipe.reader()), nullptr);
  DescriptorState* state = loop_.attach(pipe.reader());
  ASSERT_NE(state, nullptr);
  EXPECT_TRUE(state->registered);
  EXPECT_EQ(loop_.find(pipe.reader()), state);
  const std::uint32_t generation = state->generation;
  EXPECT_EQ(loop_.attach(pipe.reader()), state);
  EXPECT_EQ(state->generation, generation) << "attached already";
}

TEST_F(EventLoopTest, RefusesWhatCannotBeWaitedFor) {
  errno = 0;
  EXPECT_EQ(loop_.attach(-1), nullptr);
  EXPECT_EQ(errno, EBADF);
  errno = 0;
  EXPECT_EQ(loop_.attach(19'000), nullptr);
  EXPECT_EQ(errno, EBADF);
  char name[] = "/tmp/colibri_event_loop_XXXXXX";
  const int file = mkstemp(name);
  ASSERT_GE(file, 0);
  unlink(name);
  errno = 0;
  EXPECT_EQ(loop_.attach(file), nullptr);
  EXPECT_EQ(errno, EPERM);
  real::close(file);
}

TEST_F(EventLoopTest, AnEdgeEndsDrained) {
  const DescriptorPair pipe = DescriptorPair::pipe();
  DescriptorState* state = loop_.attach(pipe.reader());
  loop_.wait(0);
  state->read_drained = state->write_drained = true;
  loop_.wait(0);
  EXPECT_TRUE(state->read_drained) << "nothing has come";
  pipe.put('x');
  loop_.wait(0);
  EXPECT_FALSE(state->read_drained);
  EXPECT_TRUE(state->write_drained) << "that was an event for readers";
}

TEST_F(EventLoopTest, OneAttachedForReadingHearsOfWritesWhenItAsks) {
  const DescriptorPair sockets = DescriptorPair::sockets();
  DescriptorState* state = loop_.attach_for_reading(sockets.writer());
  ASSERT_NE(state, nullptr);
  EXPECT_EQ(loop_.attach(sockets.writer()), state) << "as it is";
  sockets.fill();
  state->read_drained = state->write_drained = true;
  sockets.drain();
  loop_.wait(0);
  EXPECT_TRUE(state->write_drained) << "there is room, and nobody says so";
  const char byte = 'x';
  ASSERT_EQ(real::write(sockets.reader(), &byte, 1), 1);
  loop_.wait(0);
  EXPECT_FALSE(state->read_drained);
  loop_.watch_writes(sockets.writer());
  loop_.wait(0);
  EXPECT_FALSE(state->write_drained) << "at once";
  sockets.fill();
  state->write_drained = true;
  sockets.drain();
  loop_.wait(0);
  EXPECT_FALSE(state->write_drained) << "and later";
  loop_.detach(sockets.writer());
  loop_.watch_writes(sockets.writer());
  loop_.attach(sockets.writer());
  EXPECT_FALSE(state->reads_only) << "that was another life";
}

TEST_F(EventLoopTest, DetachingBeginsANewGeneration) {
  const DescriptorPair pipe = DescriptorPair::pipe();
  DescriptorState* state = loop_.attach(pipe.reader());
  const std::uint32_t generation = state->generation;
  loop_.detach(pipe.reader());
  EXPECT_FALSE(state->registered);
  EXPECT_NE(state->generation, generation);
  loop_.attach(pipe.reader());
  EXPECT_TRUE(state->registered);
  state->read_drained = true;
  pipe.put('x');
  loop_.wait(0);
  EXPECT_FALSE(state->read_drained) << "events of the new generation count";
}

TEST_F(EventLoopTest, DetachedItHearsNothingAnyMore) {
  const DescriptorPair pipe = DescriptorPair::pipe();
  DescriptorState* state = loop_.attach(pipe.reader());
  loop_.detach(pipe.reader());
  state->read_drained = true;
  pipe.put('x');
  loop_.wait(0);
  EXPECT_TRUE(state->read_drained);
  loop_.detach(pipe.reader());
  loop_.detach(19'000);
}

TEST_F(EventLoopTest, WakeEndsTheNextWait) {
  loop_.wake();
  loop_.wait(-1);  // hangs if the wake was lost
  loop_.wake();
  loop_.wake();
  loop_.wait(-1);
}

TEST_F(EventLoopTest, WakeFromAnotherThreadEndsAWait) {
  for (int i = 0; i < 100; ++i) {
    std::thread waker([&] { loop_.wake(); });
    loop_.wait(-1);
    waker.join();
  }
}

TEST_F(EventLoopTest, AWaitIsNotShorterThanItsTimeout) {
  for (const std::int64_t timeout : {20'000, 1'500'000, 3'000'000}) {
    const std::int64_t start = monotonic_now();
    loop_.wait(timeout);
    EXPECT_GE(monotonic_now() - start, timeout);
  }
}

TEST_F(EventLoopTest, TakesMoreEventsThanFitIntoOneBatch) {
  std::vector<DescriptorPair> pipes;
  for (int i = 0; i < 700; ++i) {
    pipes.push_back(DescriptorPair::pipe());
    loop_.attach(pipes.back().reader())->read_drained = true;
    pipes.back().put('x');
  }
  loop_.wait(0);
  loop_.wait(0);
  for (const DescriptorPair& pipe : pipes) EXPECT_FALSE(loop_.find(pipe.reader())->read_drained);
}

/// Closes colibri's own descriptors as a daemon does that closes everything by raw calls.
void close_internal_descriptors() {
  real::close(internal_descriptor_of_kind("eventpoll"));
  real::close(internal_descriptor_of_kind("eventfd"));
}

TEST(EventLoopRebuild, AfterLosingItsDescriptorsItWaitsAsBefore) {
  test::run_in_scheduler([] {
    const DescriptorPair pipe = DescriptorPair::pipe();
    const auto read = [&] {
      int byte = -1;
      while ((byte = pipe.take()) < 0) wait_ready(pipe.reader(), Direction::kRead, {});
      return byte;
    };
    auto before = spawn(read);
    sleep_for(milliseconds(1));
    close_internal_descriptors();
    sleep_for(milliseconds(1));
    pipe.put('a');
    EXPECT_EQ(before.join(), 'a') << "who waited already";
    auto after = spawn(read);
    sleep_for(milliseconds(1));
    pipe.put('b');
    EXPECT_EQ(after.join(), 'b') << "who waits from then on";
    EXPECT_GE(internal_descriptor_of_kind("eventpoll"), 0);
  });
}

TEST(EventLoopRebuild, OfHalfItsDescriptorsClosesTheOtherHalf) {
  for (const char* kind : {"eventpoll", "eventfd"}) {
    test::run_in_scheduler([kind] {
      real::close(internal_descriptor_of_kind(kind));
      sleep_for(milliseconds(1));
    });
  }
}

TEST(EventLoopRebuild, AfterItOtherThreadsWakeItAsBefore) {
  test::run_in_scheduler([] {
    close_internal_descriptors();
    sleep_for(milliseconds(1));
    Parker parker;
    std::thread waker([unparker = parker.unparker()] {
      std::this_thread::sleep_for(milliseconds(5));
      unparker.unpark();
    });
    parker.park();
    waker.join();
  });
}

TEST(EventLoopMove, WhenItsNumbersAreClaimedItGoesOnWithOthers) {
  test::run_in_scheduler([] {
    const DescriptorPair pipe = DescriptorPair::pipe();
    const DescriptorPair unrelated = DescriptorPair::pipe();
    std::vector<int> claimed;
    for (const char* kind : {"eventpoll", "eventfd"}) {
      const int number = internal_descriptor_of_kind(kind);
      yield_descriptor_number(number);
      ASSERT_EQ(real::dup2(unrelated.reader(), number), number);
      claimed.push_back(number);
    }
    auto reader = spawn([&] { return wait_ready(pipe.reader(), Direction::kRead, {}); });
    sleep_for(milliseconds(1));
    pipe.put('x');
    EXPECT_EQ(reader.join(), WakeReason::kFired);
    Parker parker;
    std::thread waker([unparker = parker.unparker()] {
      std::this_thread::sleep_for(milliseconds(5));
      unparker.unpark();
    });
    parker.park();
    waker.join();
    for (const int number : claimed) real::close(number);
  });
}

}  // namespace
}  // namespace colibri
