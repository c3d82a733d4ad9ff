// Receiving and sending by io_uring. Where the system has none, nothing is to be tested.
#include "colibri/core/ring_engine.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "colibri/core/libc.h"
#include "colibri/core/ring_transfer.h"
#include "colibri/core/sanitizer.h"
#include "colibri/core/shared_stack_group.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/child_process.h"
#include "test/support/closing_thread.h"
#include "test/support/descriptors.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;
using test::DescriptorPair;

bool has_io_uring() {
  try {
    const IoRing ring;
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

/// A test that runs on the engine.
class RingEngineTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_io_uring()) GTEST_SKIP() << "the system refuses io_uring";
  }

  static void run_on_ring(const std::function<void()>& body) {
    test::run_in_scheduler(body, {.engine = Engine::kIoUring});
  }
};

const RingCounts& counts() {
  return thread_state.event_loop->ring()->counts();
}

struct Received {
  ssize_t size;
  WakeReason early;
  std::string bytes;
};

/// One receive, on the stack that it is called on.
Received receive(int descriptor, WaitLimits limits = {}) {
  std::array<char, 100> buffer;
  WakeReason early;
  DescriptorState& state = *thread_state.event_loop->find_or_create(descriptor);
  const ssize_t size =
      receive_by_ring(state, descriptor, buffer.data(), buffer.size(), limits, early);
  return {size, early, size > 0 ? std::string(buffer.data(), static_cast<std::size_t>(size)) : ""};
}

ssize_t send(int descriptor, const std::string& bytes) {
  DescriptorState& state = *thread_state.event_loop->find_or_create(descriptor);
  return send_by_ring(state, descriptor, bytes.data(), bytes.size());
}

TEST_F(RingEngineTest, ReceivesWhatComesAndTheEnd) {
  run_on_ring([] {
    DescriptorPair sockets = DescriptorPair::sockets();
    auto reader = spawn([&] {
      EXPECT_EQ(receive(sockets.reader()).bytes, "x");
      EXPECT_EQ(receive(sockets.reader()).size, 0);
    });
    sleep_for(milliseconds(1));
    EXPECT_FALSE(reader.done());
    sockets.put('x');
    sleep_for(milliseconds(1));
    EXPECT_FALSE(reader.done());
    sockets.close_writer();
    reader.join();
    EXPECT_EQ(counts().receives, 2U);
    EXPECT_EQ(counts().copied_receives, 0U);
  });
}

TEST_F(RingEngineTest, WhoStopsWaitingTakesNothing) {
  run_on_ring([] {
    const DescriptorPair sockets = DescriptorPair::sockets();
    const Received late = receive(sockets.reader(), {.deadline = Deadline::after(milliseconds(1))});
    EXPECT_EQ(late.size, -1);
    EXPECT_EQ(late.early, WakeReason::kTimeout);
    auto reader = spawn([&] { return receive(sockets.reader()).early; });
    sleep_for(milliseconds(1));
    reader.cancel();
    EXPECT_EQ(reader.join(), WakeReason::kCanceled);
    EXPECT_EQ(counts().cancels, 2U);
    sockets.put('x');
    sleep_for(milliseconds(1));
    EXPECT_EQ(sockets.take(), 'x') << "a cancelled receive took what came after it";
  });
}

TEST_F(RingEngineTest, BytesThatComeBeforeTheCancelAreReceived) {
  run_on_ring([] {
    const DescriptorPair sockets = DescriptorPair::sockets();
    auto reader = spawn([&] { return receive(sockets.reader()); });
    sleep_for(milliseconds(1));
    sockets.put('x');
    reader.cancel();
    const Received received = reader.join();
    EXPECT_TRUE(received.bytes == "x" || sockets.take() == 'x') << "the byte was lost";
  });
}

TEST_F(RingEngineTest, ACloseEndsAReceiveAndTheConnection) {
  run_on_ring([] {
    DescriptorPair sockets = DescriptorPair::sockets();
    auto reader = spawn([&] { return receive(sockets.reader()); });
    sleep_for(milliseconds(1));
    sockets.close_reader();
    // Nothing of the engine's keeps the socket open: the peer sees its end.
    char byte;
    EXPECT_EQ(real::recv(sockets.writer(), &byte, 1, MSG_DONTWAIT), 0);
    EXPECT_EQ(reader.join().early, WakeReason::kClosed);
  });
}

TEST_F(RingEngineTest, ACloseByAnotherThreadEndsAReceive) {
  run_on_ring([] {
    DescriptorPair sockets = DescriptorPair::sockets();
    auto reader = spawn([&] { return receive(sockets.reader()); });
    sleep_for(milliseconds(1));
    std::thread([&] { sockets.close_reader(); }).join();
    EXPECT_EQ(reader.join().early, WakeReason::kClosed);
  });
}

/// Receives until the descriptor is found to be closed, as blocking calls do.
void receive_until_closed(int descriptor) {
  for (;;) {
    const Received received = receive(descriptor);
    if (received.early == WakeReason::kClosed) return;
    char byte;
    if (real::recv(descriptor, &byte, 1, MSG_DONTWAIT) < 0 && errno == EBADF) return;
  }
}

TEST_F(RingEngineTest, AReceiveThatBeganBeforeAnotherThreadsCloseAlwaysEnds) {
  run_on_ring([] {
    test::ClosingThread closer;
    const DescriptorPair sockets = DescriptorPair::sockets();
    for (std::size_t i = 0; i < test::many_operations(500); ++i) {
      const int copy = real::dup(sockets.reader());
      // Half of them begin while the other thread is at it.
      if (i % 2 == 0) {
        closer.offer(copy);
      } else {
        go([&] { closer.offer(copy); });
      }
      receive_until_closed(copy);
      closer.await_taken();
    }
  });
}

TEST_F(RingEngineTest, ErrorsAreTheSocketsOwn) {
  run_on_ring([] {
    const DescriptorPair pipe = DescriptorPair::pipe();
    pipe.put('x');  // otherwise, it is waited for
    EXPECT_EQ(receive(pipe.reader()).size, -1);
    EXPECT_EQ(errno, ENOTSOCK);
    DescriptorPair sockets = DescriptorPair::sockets();
    sockets.close_reader();
    EXPECT_EQ(send(sockets.writer(), "x"), -1);
    EXPECT_EQ(errno, EPIPE) << "and no signal";
  });
}

TEST_F(RingEngineTest, ASendThatFindsNoRoomSaysSo) {
  run_on_ring([] {
    const DescriptorPair sockets = DescriptorPair::sockets();
    EXPECT_EQ(send(sockets.writer(), "hello"), 5);
    sockets.fill();
    EXPECT_EQ(send(sockets.writer(), "hello"), -1);
    EXPECT_EQ(errno, EAGAIN);
    EXPECT_EQ(counts().sends, 2U);
  });
}

TEST_F(RingEngineTest, ACloseComesAfterTheSendsBeforeIt) {
  run_on_ring([] {
    DescriptorPair sockets = DescriptorPair::sockets();
    auto sender = spawn([&] { return send(sockets.writer(), "last words"); });
    yield();
    sockets.close_writer();
    EXPECT_EQ(receive(sockets.reader()).bytes, "last words");
    EXPECT_EQ(sender.join(), 10);
  });
}

TEST_F(RingEngineTest, NothingGoesToOrFromASharedStack) {
  run_on_ring([] {
    SharedStackGroup group(1, 64 * 1024);
    const DescriptorPair sockets = DescriptorPair::sockets();
    const SpawnOptions shared{.shared_stacks = &group};
    auto reader = spawn(shared, [&] { return receive(sockets.reader()).bytes; });
    auto sender = spawn(shared, [&] {
      std::array<char, 5> bytes{'h', 'e', 'l', 'l', 'o'};
      DescriptorState& state = *thread_state.event_loop->find_or_create(sockets.writer());
      return send_by_ring(state, sockets.writer(), bytes.data(), bytes.size());
    });
    // Has the stack while the kernel works for the two.
    auto third = spawn(shared, [] {
      std::array<volatile char, 8192> other{};
      for (auto& byte : other) byte = '!';
      yield();
    });
    EXPECT_EQ(sender.join(), 5);
    EXPECT_EQ(reader.join(), "hello");
    third.join();
    EXPECT_EQ(counts().copied_receives, 1U);
    EXPECT_EQ(counts().copied_sends, 1U);
  });
}

TEST_F(RingEngineTest, ReadsFiles) {
  run_on_ring([] {
    std::FILE* file = std::tmpfile();
    ASSERT_NE(file, nullptr);
    std::fputs("hello world", file);
    std::fflush(file);
    std::array<char, 4> first{};
    std::array<char, 20> second{};
    const std::array<iovec, 2> both{iovec{first.data(), 4}, iovec{second.data(), 20}};
    EXPECT_EQ(read_file_by_ring(fileno(file), both, 2, 0), 9);
    EXPECT_EQ(std::string(first.data(), 4) + second.data(), "llo world");
    EXPECT_EQ(read_file_by_ring(fileno(file), both, 11, 0), 0);
    std::fclose(file);
    EXPECT_EQ(read_file_by_ring(-1, both, 0, 0), -1);
    EXPECT_EQ(errno, EBADF);
    EXPECT_EQ(counts().file_reads, 3U);
  });
}

TEST_F(RingEngineTest, AReadOfAFileGoesOnWhenItIsClosedAndWhenItsReaderIsCancelled) {
  run_on_ring([] {
    std::FILE* file = std::tmpfile();
    ASSERT_NE(file, nullptr);
    std::fputs("hello", file);
    std::fflush(file);
    std::array<char, 6> room{};
    const iovec whole{room.data(), 5};
    auto reader = spawn([&] { return read_file_by_ring(fileno(file), {&whole, 1}, 0, 0); });
    yield();
    reader.cancel();
    std::fclose(file);
    EXPECT_EQ(reader.join(), 5);
    EXPECT_STREQ(room.data(), "hello");
  });
}

/// More at a time than the ring has entries, and, on a shared stack, than there are buffers.
void everybody_is_served(const SpawnOptions& options) {
  constexpr std::size_t kMany = 600;
  std::vector<DescriptorPair> pairs;
  for (std::size_t i = 0; i < kMany; ++i) pairs.push_back(DescriptorPair::sockets());
  std::size_t right = 0;
  std::vector<Task<void>> readers;
  for (DescriptorPair& each : pairs) {
    readers.push_back(spawn(options, [&] {
      Received received = receive(each.reader());
      // No buffer was left: as blocking calls do.
      while (received.size < 0 && errno == EAGAIN) {
        yield();
        received = receive(each.reader());
      }
      right += received.bytes == "x" ? 1 : 0;
    }));
  }
  sleep_for(milliseconds(5));
  for (const DescriptorPair& each : pairs) each.put('x');
  for (Task<void>& each : readers) each.join();
  EXPECT_EQ(right, kMany);
}

TEST_F(RingEngineTest, ServesMoreThanTheRingHasEntries) {
  run_on_ring([] { everybody_is_served({}); });
}

TEST_F(RingEngineTest, ServesMoreOnSharedStacksThanThereAreBuffers) {
  run_on_ring([] {
    SharedStackGroup group(2, 64 * 1024);
    everybody_is_served({.shared_stacks = &group});
    EXPECT_GT(counts().copied_receives, RingEngine::kReceiveBuffers);
  });
}

TEST_F(RingEngineTest, NothingIsLostWhereCompletionsOverflow) {
  run_on_ring([] {
    constexpr std::size_t kReaders = 300;
    constexpr std::size_t kJunk = 6000;  // more than the queue has room for
    const DescriptorPair silent = DescriptorPair::sockets();
    std::vector<DescriptorPair> pairs;
    for (std::size_t i = 0; i < kReaders; ++i) pairs.push_back(DescriptorPair::sockets());
    std::size_t right = 0;
    std::vector<Task<void>> readers;
    for (DescriptorPair& each : pairs) {
      readers.push_back(spawn([&] { right += receive(each.reader()).bytes == "x" ? 1 : 0; }));
    }
    sleep_for(milliseconds(1));
    for (const DescriptorPair& each : pairs) each.put('x');
    // Each completes, with nothing to cancel, before anybody takes completions.
    DescriptorState& state = *thread_state.event_loop->find_or_create(silent.reader());
    for (std::size_t i = 0; i < kJunk; ++i) thread_state.event_loop->ring()->cancel_receive(state);
    for (Task<void>& each : readers) each.join();
    EXPECT_EQ(right, kReaders);
    auto reader = spawn([&] { return receive(silent.reader()).bytes; });
    sleep_for(milliseconds(1));
    silent.put('y');
    EXPECT_EQ(reader.join(), "y");
  });
}

TEST_F(RingEngineTest, TheChildOfAForkHasARingOfItsOwn) {
  if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer does not follow fibers into a child";
  run_on_ring([] {
    const DescriptorPair sockets = DescriptorPair::sockets();
    auto reader = spawn([&] { return receive(sockets.reader()).bytes; });
    sleep_for(milliseconds(1));
    test::flush_before_fork();
    const pid_t child = fork();
    if (child == 0) {
      alarm(10);
      const DescriptorPair own = DescriptorPair::sockets();
      own.put('c');
      _exit(receive(own.reader()).bytes == "c" ? 0 : 1);
    }
    EXPECT_EQ(test::exit_status_of(child), 0);
    sockets.put('p');
    EXPECT_EQ(reader.join(), "p") << "the parent's receive goes on";
  });
}

TEST_F(RingEngineTest, OneWhoIsAbandonedLeavesTheNextBytesAlone) {
  const DescriptorPair sockets = DescriptorPair::sockets();
  prepare_unwinder();  // who is abandoned is logged with its stack
  const test::LeakCheck leaks(1);
  run(
      [&] {
        go([&] {
          for (;;) receive(sockets.reader());
        });
        sleep_for(milliseconds(1));
      },
      {.grace = milliseconds(20), .engine = Engine::kIoUring});
  sockets.put('x');
  EXPECT_EQ(sockets.take(), 'x');
}

}  // namespace
}  // namespace colibri
