// Receives that go on by themselves, beneath any stream. Where the system has no io_uring, nothing
// is to be tested.
#include "colibri/core/received_ahead.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "colibri/core/libc.h"
#include "colibri/core/ring_engine.h"
#include "colibri/core/run.h"
#include "colibri/core/sleep.h"
#include "test/support/descriptors.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;
using test::DescriptorPair;

void run_on_ring(const std::function<void()>& body) {
  bool has_ring = true;
  test::run_in_scheduler(
      [&] {
        has_ring = thread_state.event_loop->ring() != nullptr;
        if (has_ring) body();
      },
      {.engine = Engine::kIoUring});
  if (!has_ring) GTEST_SKIP() << "the system refuses io_uring";
}

const RingCounts& counts() {
  return thread_state.event_loop->ring()->counts();
}

std::string take(ReceivedAhead& ahead, std::size_t size) {
  std::string bytes(size, '\0');
  bytes.resize(ahead.take(bytes.data(), size));
  return bytes;
}

TEST(ReceivedAhead, KeepsWhatComesInItsOrder) {
  run_on_ring([] {
    const DescriptorPair sockets = DescriptorPair::sockets();
    ReceivedAhead ahead;
    EXPECT_EQ(take(ahead, 1), "");
    ASSERT_TRUE(ahead.begin(sockets.reader()));
    for (const char byte : {'a', 'b', 'c'}) {
      sockets.put(byte);
      ahead.look();
    }
    EXPECT_EQ(ahead.size(), 3U);
    std::array<char, 2> peeked{};
    EXPECT_EQ(ahead.peek(peeked.data(), 2), 2U);
    EXPECT_EQ(std::string(peeked.data(), 2), "ab");
    EXPECT_EQ(take(ahead, 1), "a");
    EXPECT_EQ(take(ahead, 5), "bc");
    EXPECT_EQ(ahead.size(), 0U);
    EXPECT_TRUE(ahead.is_receiving());
  });
}

TEST(ReceivedAhead, IsIdleAtTheEndOfTheStream) {
  run_on_ring([] {
    DescriptorPair sockets = DescriptorPair::sockets();
    ReceivedAhead ahead;
    ASSERT_TRUE(ahead.begin(sockets.reader()));
    sockets.put('x');
    ahead.look();
    sockets.close_writer();
    ahead.look();
    EXPECT_FALSE(ahead.is_receiving());
    EXPECT_FALSE(ahead.has_error());
    EXPECT_EQ(take(ahead, 2), "x");
  });
}

TEST(ReceivedAhead, StopsWhenAFewBuffersAreFull) {
  run_on_ring([] {
    const DescriptorPair sockets = DescriptorPair::sockets();
    ReceivedAhead ahead;
    ASSERT_TRUE(ahead.begin(sockets.reader()));
    for (unsigned i = 0; i < 2 * ReceivedAhead::kMostKept; ++i) {
      sockets.put('x');
      if (ahead.is_receiving()) ahead.look();
    }
    EXPECT_FALSE(ahead.is_receiving());
    EXPECT_GE(ahead.size(), ReceivedAhead::kMostKept);
    EXPECT_LT(ahead.size(), 2 * ReceivedAhead::kMostKept) << "the rest stays in the socket";
  });
}

TEST(ReceivedAhead, TakesNothingMoreOnceItIsStopped) {
  run_on_ring([] {
    const DescriptorPair sockets = DescriptorPair::sockets();
    ReceivedAhead ahead;
    ASSERT_TRUE(ahead.begin(sockets.reader()));
    sockets.put('a');
    ahead.look();
    ahead.stop();
    sockets.put('b');
    sleep_for(milliseconds(1));
    EXPECT_EQ(take(ahead, 2), "a");
    EXPECT_EQ(sockets.take(), 'b');
    EXPECT_FALSE(ahead.begin(sockets.reader()));
    ahead.allow();
    EXPECT_TRUE(ahead.begin(sockets.reader()));
  });
}

TEST(ReceivedAhead, LeavesItsBuffersToOthersWhenItGoes) {
  run_on_ring([] {
    const DescriptorPair sockets = DescriptorPair::sockets();
    for (unsigned i = 0; i < 2 * RingEngine::kAheadBuffers; ++i) {
      ReceivedAhead ahead;
      ASSERT_TRUE(ahead.begin(sockets.reader()));
      sockets.put('x');
      ahead.look();
      ASSERT_EQ(ahead.size(), 1U) << "number " << i;
    }
  });
}

/// False if the system does not permit so many descriptors.
bool raise_descriptor_limit(rlim_t count) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max < count) return false;
  limit.rlim_cur = std::max(limit.rlim_cur, count);
  return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

// More at once than the queue of submissions takes, and more ends than the kernel delivers at once.
TEST(ReceivedAhead, ManyEndAtOnce) {
  constexpr std::size_t kMany = 5000;
  if (!raise_descriptor_limit(kMany + 100)) GTEST_SKIP() << "too few descriptors are permitted";
  run_on_ring([&] {
    DescriptorPair sockets = DescriptorPair::sockets();
    std::vector<int> copies;
    std::vector<std::unique_ptr<ReceivedAhead>> all;
    for (std::size_t i = 0; i < kMany; ++i) {
      copies.push_back(real::dup(sockets.reader()));
      all.push_back(std::make_unique<ReceivedAhead>());
      ASSERT_TRUE(all.back()->begin(copies.back()));
    }
    sleep_for(milliseconds(1));
    EXPECT_EQ(counts().begun_ahead, kMany);
    sockets.close_writer();
    for (const auto& each : all) {
      for (std::size_t i = 0; i < kMany && each->is_receiving(); ++i) each->look();
    }
    for (const auto& each : all) EXPECT_FALSE(each->is_receiving());
    all.clear();
    for (const int each : copies) real::close(each);
  });
}

}  // namespace
}  // namespace colibri
