// colibri's own descriptors are out of the program's way (TRAPS 12), and what happens when they are
// closed behind the hooks' back all the same.
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <memory>
#include <thread>

#include "colibri/core/engine.h"
#include "colibri/core/internal_descriptor.h"
#include "colibri/core/sleep.h"
#include "test/support/channels.h"
#include "test/support/descriptors.h"
#include "test/support/run_in_session.h"

namespace colibri::test {
namespace {

/// Of a scheduler: the epoll set, what other threads wake it by, and the ring, if it has one.
const std::size_t kOwn = engine_from_environment() == Engine::kIoUring ? 3 : 2;

int limit_of_numbers() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<int>(limit.rlim_cur);
}

/// The numbers that daemons close: from 3 to the end of the range, as far as tests go.
int end_of_numbers() {
  return std::min(limit_of_numbers(), 20'000);
}

std::vector<int> internal_numbers() {
  std::vector<int> numbers;
  for (int number = 0; number < limit_of_numbers(); ++number) {
    if (is_internal_descriptor(number)) numbers.push_back(number);
  }
  return numbers;
}

/// An exchange over TCP in which both sides wait: proves that the loop works.
void expect_service() {
  Session session(Way::kHookInCoroutine);
  const int listening = listener(session);
  auto server = spawn([&] {
    const int socket = session.own(accept(listening, nullptr, nullptr));
    for (int i = 0; i < 3; ++i) put(session, socket, take(session, socket, 5));
    EXPECT_EQ(take(session, socket, 1), "");
  });
  usleep(500);
  const int client = connected_to(session, listening);
  for (int i = 0; i < 3; ++i) {
    usleep(500);
    put(session, client, "hello");
    EXPECT_EQ(take(session, client, 5), "hello");
  }
  session.close(client);
  server.join();
}

TEST(InternalDescriptors, LieAtTheTopOfTheRange) {
  run_in_scheduler([] {
    const std::vector<int> numbers = internal_numbers();
    ASSERT_EQ(numbers.size(), kOwn);
    const int top = std::min(limit_of_numbers(), 65'536);
    if (top > 256) {
      for (const int number : numbers) EXPECT_GE(number, top - 64);
    }
  });
}

TEST(InternalDescriptors, LookClosed) {
  run_in_scheduler([] {
    for (const int number : internal_numbers()) {
      SCOPED_TRACE(number);
      const auto expect_closed = [](int result) {
        EXPECT_EQ(result, -1);
        EXPECT_EQ(errno, EBADF);
        errno = 0;
      };
      int on = 1;
      expect_closed(close(number));
      expect_closed(fcntl(number, F_GETFD));
      expect_closed(fcntl(number, F_GETFL));
      expect_closed(fcntl64(number, F_SETFL, O_NONBLOCK));
      expect_closed(fcntl(number, F_DUPFD, 0));
      expect_closed(ioctl(number, FIONBIO, &on));
      expect_closed(dup(number));
      expect_closed(dup2(number, 500));
      expect_closed(dup3(number, 500, 0));
    }
    expect_service();
  });
}

/// For bodies that also close what the process was started with, or lose what cannot be told from
/// the program's own.
void run_without_counting_descriptors(const std::function<void()>& body) {
  const StackLeakCheck leaks;
  run(body);
}

TEST(InternalDescriptors, SurviveTheClosingOfEverything) {
  run_without_counting_descriptors([] {
    // As daemons do. The test's own standard streams stay.
    for (int number = 3; number < end_of_numbers(); ++number) close(number);
    EXPECT_EQ(internal_numbers().size(), kOwn);
    expect_service();
  });
}

TEST(InternalDescriptors, SurviveTheClosingByAPlainThread) {
  run_without_counting_descriptors([] {
    std::thread([] {
      for (int number = 3; number < end_of_numbers(); ++number) close(number);
    }).join();
    expect_service();
  });
}

TEST(InternalDescriptors, SurviveTheClosingOfRanges) {
  run_without_counting_descriptors([] {
    EXPECT_EQ(close_range(3, static_cast<unsigned>(end_of_numbers()), 0), 0);
    EXPECT_EQ(internal_numbers().size(), kOwn);
    expect_service();
    EXPECT_EQ(close_range(3, ~0U, 0), 0);
    expect_service();
    closefrom(3);
    EXPECT_EQ(internal_numbers().size(), kOwn);
    expect_service();
    std::thread([] { closefrom(3); }).join();
    expect_service();
  });
}

TEST(InternalDescriptors, WaitersHearOfTheClosingOfARange) {
  run_without_counting_descriptors([] {
    Session session(Way::kHookInCoroutine);
    const Ends ends = tcp_ends(session);
    session.meanwhile([] { closefrom(3); });
    char byte;
    EXPECT_EQ(read(ends.reader, &byte, 1), -1);
    EXPECT_EQ(errno, EBADF);
    session.finish_helpers();
    expect_service();
  });
}

TEST(InternalDescriptors, MoveWhenTheProgramClaimsTheirNumber) {
  run_in_scheduler([] {
    for (int round = 0; round < 3; ++round) {
      for (const int number : internal_numbers()) {
        ASSERT_EQ(round == 1 ? dup3(2, number, O_CLOEXEC) : dup2(2, number), number);
        EXPECT_FALSE(is_internal_descriptor(number));
        EXPECT_EQ(internal_numbers().size(), kOwn);
        expect_service();
        EXPECT_EQ(close(number), 0) << "it is the program's now";
      }
    }
  });
}

TEST(InternalDescriptors, MoveOutOfTheWayOfAWholeTable) {
  run_in_scheduler([] {
    const int end = std::min(limit_of_numbers(), 65'536);
    // The upper part of the table, where ours lie, but for a few numbers to move to.
    std::vector<int> claimed;
    for (int number = end - 64; number < end - 8; ++number) {
      ASSERT_EQ(dup2(2, number), number);
      claimed.push_back(number);
    }
    expect_service();
    for (const int number : claimed) EXPECT_EQ(close(number), 0);
    expect_service();
  });
}

TEST(InternalDescriptors, AreNotInheritedOverExec) {
  run_in_scheduler([] {
    for (const int number : internal_numbers()) {
      EXPECT_NE(real::fcntl(number, F_GETFD) & FD_CLOEXEC, 0);
    }
  });
}

TEST(RawClose, OfTheEpollDescriptorIsRepaired) {
  run_without_counting_descriptors([] {
    Session session(Way::kHookInCoroutine);
    const Ends ends = tcp_ends(session);
    session.meanwhile([=, &session] {
      syscall(SYS_close, internal_descriptor_of_kind("eventpoll"));
      session.until_waiting();
      put(session, ends.writer, "hello");
    });
    EXPECT_EQ(take(session, ends.reader, 5), "hello");
    session.finish_helpers();
    expect_service();
  });
}

TEST(RawClose, OfEverythingOfOursIsRepaired) {
  run_without_counting_descriptors([] {
    for (const int number : internal_numbers()) syscall(SYS_close, number);
    expect_service();
    EXPECT_EQ(internal_numbers().size(), kOwn);
  });
}

TEST(RawClose, OfAUsersDescriptorDoesNotHarmTheNextUserOfItsNumber) {
  run_in_session([](Session& session) {
    const Ends ends = unix_stream_ends(session);
    session.meanwhile([=, &session] { put(session, ends.writer, "hello"); });
    EXPECT_EQ(take(session, ends.reader, 5), "hello");  // registered, and known to be empty
    syscall(SYS_close, ends.reader);
    int next[2];
    ASSERT_EQ(pipe(next), 0);
    ASSERT_EQ(next[0], ends.reader);
    session.own(next[1]);
    session.meanwhile([=, &session] { put(session, next[1], "again"); });
    EXPECT_EQ(take(session, next[0], 5), "again");
  });
}

TEST(RawClose, WhileACoroutineWaitsLetsTheNextUserOfTheNumberEndThatWait) {
  run_in_session([](Session& session) {
    const Ends ends = unix_stream_ends(session);
    const auto next = std::make_shared<std::array<int, 2>>();
    session.meanwhile([=] {
      syscall(SYS_close, ends.reader);
      ASSERT_EQ(pipe(next->data()), 0);
      ASSERT_EQ(next->front(), ends.reader);
    });
    char byte;
    EXPECT_EQ(read(ends.reader, &byte, 1), -1);
    EXPECT_EQ(errno, EBADF);
    session.finish_helpers();
    session.own(next->back());
  });
}

}  // namespace
}  // namespace colibri::test
