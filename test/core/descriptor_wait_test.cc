// Waiting for descriptors in coroutines.
#include "colibri/core/descriptor_wait.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "colibri/core/libc.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/descriptors.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;
using test::DescriptorPair;
using test::run_in_scheduler;

/// A blocking read of one byte, as hooks and net do it: try, then wait.
int read_byte(const DescriptorPair& pair) {
  for (;;) {
    const int byte = pair.take();
    if (byte >= 0) return byte;
    if (wait_ready(pair.reader(), Direction::kRead, {}) != WakeReason::kFired) return -1;
  }
}

TEST(WaitReady, WakesAReaderOfAPipe) {
  run_in_scheduler([] {
    const DescriptorPair pipe = DescriptorPair::pipe();
    auto reader = spawn([&] { return read_byte(pipe); });
    yield();
    EXPECT_FALSE(reader.done());
    pipe.put('x');
    EXPECT_EQ(reader.join(), 'x');
  });
}

TEST(WaitReady, WakesAReaderOfASocketAgainAndAgain) {
  run_in_scheduler([] {
    const DescriptorPair sockets = DescriptorPair::sockets();
    std::string read;
    auto reader = spawn([&] {
      while (read.size() < 50) read += static_cast<char>(read_byte(sockets));
    });
    for (int i = 0; i < 50; ++i) {
      sockets.put(static_cast<char>('a' + i % 26));
      if (i % 3 == 0) yield();
      if (i % 7 == 0) sleep_for(std::chrono::microseconds(100));
    }
    reader.join();
    ASSERT_EQ(read.size(), 50U);
    for (std::size_t i = 0; i < read.size(); ++i) {
      EXPECT_EQ(read[i], static_cast<char>('a' + i % 26));
    }
  });
}

TEST(WaitReady, ANudgeWakesThoseOfItsDirectionToLookForThemselves) {
  run_in_scheduler([] {
    const DescriptorPair sockets = DescriptorPair::sockets();
    int looks = 0;
    auto reader = spawn([&] {
      while (sockets.take() < 0) {
        ++looks;
        EXPECT_EQ(wait_ready(sockets.reader(), Direction::kRead, {}), WakeReason::kFired);
      }
    });
    sleep_for(milliseconds(1));
    const int before = looks;
    nudge_waiters(sockets.reader(), Direction::kWrite);
    nudge_waiters(sockets.writer(), Direction::kRead);
    sleep_for(milliseconds(1));
    EXPECT_EQ(looks, before);
    nudge_waiters(sockets.reader(), Direction::kRead);
    yield();
    EXPECT_EQ(looks, before + 1);
    EXPECT_FALSE(is_drained(find_state(sockets.reader()), Direction::kRead));
    sockets.put('x');
    reader.join();
  });
}

TEST(WaitReady, WakesAWriterOnceThereIsRoom) {
  run_in_scheduler([] {
    for (const auto& make : {&DescriptorPair::pipe, &DescriptorPair::sockets}) {
      const DescriptorPair pair = make();
      pair.fill();
      auto writer = spawn([&] {
        const char byte = 'w';
        while (real::write(pair.writer(), &byte, 1) != 1) {
          EXPECT_EQ(wait_ready(pair.writer(), Direction::kWrite, {}), WakeReason::kFired);
        }
      });
      sleep_for(milliseconds(1));
      EXPECT_FALSE(writer.done());
      pair.drain();
      writer.join();
      EXPECT_EQ(pair.take(), 'w');
    }
  });
}

TEST(WaitReady, WakesReaderAndWriterOfOneSocketSeparately) {
  run_in_scheduler([] {
    const DescriptorPair sockets = DescriptorPair::sockets();
    sockets.fill();  // so the writer's end is full, and has nothing to read
    int reads = 0;
    int writes = 0;
    auto reader = spawn([&] {
      char byte = 0;
      while (real::read(sockets.writer(), &byte, 1) != 1) {
        ++reads;
        wait_ready(sockets.writer(), Direction::kRead, {});
      }
    });
    auto writer = spawn([&] {
      while (real::write(sockets.writer(), "w", 1) != 1) {
        ++writes;
        wait_ready(sockets.writer(), Direction::kWrite, {});
      }
    });
    sleep_for(milliseconds(1));
    ASSERT_EQ(real::write(sockets.reader(), "r", 1), 1);
    reader.join();
    EXPECT_FALSE(writer.done());
    sockets.drain();
    writer.join();
    EXPECT_GE(reads, 1);
    EXPECT_GE(writes, 1);
  });
}

TEST(WaitReady, WakesEveryWaiterOfOneDescriptor) {
  run_in_scheduler([] {
    const DescriptorPair pipe = DescriptorPair::pipe();
    std::vector<Task<int>> readers;
    for (int i = 0; i < 3; ++i) readers.push_back(spawn([&] { return read_byte(pipe); }));
    yield();
    int sum = 0;
    for (const char byte : {'\1', '\2', '\4'}) {
      pipe.put(byte);
      sleep_for(milliseconds(1));
    }
    for (Task<int>& reader : readers) sum += reader.join();
    EXPECT_EQ(sum, 7);
  });
}

TEST(WaitReady, WakesAReaderWhenThePeerCloses) {
  run_in_scheduler([] {
    for (const auto& make : {&DescriptorPair::pipe, &DescriptorPair::sockets}) {
      DescriptorPair pair = make();
      auto reader = spawn([&] { return wait_ready(pair.reader(), Direction::kRead, {}); });
      sleep_for(milliseconds(1));
      pair.close_writer();
      EXPECT_EQ(reader.join(), WakeReason::kFired);
    }
  });
}

TEST(WaitReady, WakesAWriterWhenThePeerCloses) {
  run_in_scheduler([] {
    DescriptorPair sockets = DescriptorPair::sockets();
    sockets.fill();
    auto writer = spawn([&] { return wait_ready(sockets.writer(), Direction::kWrite, {}); });
    sleep_for(milliseconds(1));
    sockets.close_reader();
    EXPECT_EQ(writer.join(), WakeReason::kFired);
  });
}

TEST(WaitReady, EndsAtItsDeadlineAndNotBefore) {
  run_in_scheduler([] {
    const DescriptorPair pipe = DescriptorPair::pipe();
    const std::int64_t start = monotonic_now();
    EXPECT_EQ(
        wait_ready(pipe.reader(), Direction::kRead, {.deadline = Deadline::after(milliseconds(3))}),
        WakeReason::kTimeout);
    EXPECT_GE(monotonic_now() - start, 3'000'000);
    pipe.put('x');
    EXPECT_EQ(read_byte(pipe), 'x') << "the descriptor is as usable as before";
  });
}

TEST(WaitReady, EndsByATimeLimitOrByCancel) {
  run_in_scheduler([] {
    const DescriptorPair pipe = DescriptorPair::pipe();
    {
      const TimeLimit limit(milliseconds(1));
      EXPECT_EQ(wait_ready(pipe.reader(), Direction::kRead, {}), WakeReason::kLimit);
    }
    auto task = spawn([&] { return wait_ready(pipe.reader(), Direction::kRead, {}); });
    yield();
    task.cancel();
    EXPECT_EQ(task.join(), WakeReason::kCanceled);
    pipe.put('x');
    EXPECT_EQ(read_byte(pipe), 'x');
  });
}

TEST(WaitReady, OnARegularFileIsUnsupported) {
  run_in_scheduler([] {
    char name[] = "/tmp/colibri_descriptor_wait_XXXXXX";
    const int file = mkstemp(name);
    ASSERT_GE(file, 0);
    EXPECT_EQ(wait_ready(file, Direction::kRead, {}), WakeReason::kUnsupported);
    EXPECT_EQ(wait_ready(file, Direction::kWrite, {}), WakeReason::kUnsupported);
    unlink(name);
    real::close(file);
  });
}

TEST(WaitReady, OnNoDescriptorIsClosed) {
  run_in_scheduler([] {
    EXPECT_EQ(wait_ready(-1, Direction::kRead, {}), WakeReason::kClosed);
    EXPECT_EQ(wait_ready(19'000, Direction::kRead, {}), WakeReason::kClosed);
  });
}

TEST(Drained, IsTrueFromAFailedTryToTheNextEvent) {
  run_in_scheduler([] {
    const DescriptorPair pipe = DescriptorPair::pipe();
    note_drained(find_state(pipe.reader()), Direction::kRead);
    EXPECT_FALSE(is_drained(find_state(pipe.reader()), Direction::kRead))
        << "never waited for: not known";
    auto reader = spawn([&] { return read_byte(pipe); });
    yield();
    note_drained(find_state(pipe.reader()), Direction::kRead);
    EXPECT_TRUE(is_drained(find_state(pipe.reader()), Direction::kRead));
    EXPECT_FALSE(is_drained(find_state(pipe.reader()), Direction::kWrite));
    pipe.put('x');
    reader.join();
    EXPECT_FALSE(is_drained(find_state(pipe.reader()), Direction::kRead));
  });
}

TEST(Drained, AShortReadProvesNothingOnceThePeerHasHungUp) {
  run_in_scheduler([] {
    DescriptorPair sockets = DescriptorPair::sockets();
    auto reader = spawn([&] { return read_byte(sockets); });
    yield();
    sockets.put('x');
    reader.join();
    note_short_read(find_state(sockets.reader()));
    EXPECT_TRUE(is_drained(find_state(sockets.reader()), Direction::kRead));
    sockets.close_writer();
    sleep_for(milliseconds(1));
    EXPECT_FALSE(is_drained(find_state(sockets.reader()), Direction::kRead));
    note_short_read(find_state(sockets.reader()));
    EXPECT_FALSE(is_drained(find_state(sockets.reader()), Direction::kRead));
  });
}

TEST(WaitReady, TwoSchedulersWaitOnOneDescriptor) {
  const DescriptorPair pipe = DescriptorPair::pipe();
  std::atomic<int> waiting{0};
  std::atomic<int> sum{0};
  const auto read_until_zero = [&] {
    run([&] {
      ++waiting;
      while (const int byte = read_byte(pipe)) sum += byte;
    });
  };
  std::thread first(read_until_zero);
  std::thread second(read_until_zero);
  while (waiting < 2) std::this_thread::yield();
  for (const char byte : {'\1', '\2', '\4', '\10', '\0', '\0'}) {
    pipe.put(byte);
    std::this_thread::sleep_for(milliseconds(1));
  }
  first.join();
  second.join();
  EXPECT_EQ(sum, 15);
}

}  // namespace
}  // namespace colibri
