// Several coroutines, or several threads with schedulers, on one descriptor.
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "colibri/core/sleep.h"
#include "test/support/channels.h"
#include "test/support/run_in_session.h"

namespace colibri::test {
namespace {

TEST(Sharing, TwoReadersOfOneSocketGetAByteEach) {
  run_with_session_in_main([](Session& session) {
    const Ends ends = tcp_ends(session);
    std::string taken;
    const auto read_one = [&] {
      char byte = 0;
      EXPECT_EQ(read(ends.reader, &byte, 1), 1);
      taken += byte;
    };
    auto first = spawn(read_one);
    auto second = spawn(read_one);
    sleep_for(std::chrono::milliseconds(1));
    put(session, ends.writer, "ab");  // one edge for two bytes
    first.join();
    second.join();
    std::sort(taken.begin(), taken.end());
    EXPECT_EQ(taken, "ab");
  });
}

TEST(Sharing, ManyReadersAllWakeAtTheEnd) {
  run_with_session_in_main([](Session& session) {
    const Ends ends = unix_stream_ends(session);
    int ended = 0;
    std::vector<Task<void>> readers;
    for (int i = 0; i < 20; ++i) {
      readers.push_back(spawn([&] {
        char byte;
        ended += read(ends.reader, &byte, 1) == 0;
      }));
    }
    yield();
    session.close(ends.writer);
    for (auto& reader : readers) reader.join();
    EXPECT_EQ(ended, 20);
  });
}

TEST(Sharing, AReaderAndAWriterOfOneSocketDoNotDisturbEachOther) {
  run_with_session_in_main([](Session& session) {
    const Ends ends = tcp_ends(session);
    const std::string text(8'000'000, 'x');
    auto writer = spawn([&] {
      EXPECT_EQ(write(ends.reader, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    });
    auto reader = spawn([&] { EXPECT_EQ(take(session, ends.reader, 5), "hello"); });
    sleep_for(std::chrono::milliseconds(1));
    put(session, ends.writer, "hello");
    reader.join();
    EXPECT_FALSE(writer.done());
    EXPECT_EQ(take(session, ends.writer, text.size()).size(), text.size());
    writer.join();
  });
}

TEST(Sharing, SeveralAcceptorsShareSeveralPendingConnections) {
  run_with_session_in_main([](Session& session) {
    const int listening = listener(session);
    int accepted = 0;
    std::vector<Task<void>> acceptors;
    for (int i = 0; i < 4; ++i) {
      acceptors.push_back(spawn([&] {
        session.own(accept(listening, nullptr, nullptr));
        session.own(accept(listening, nullptr, nullptr));
        accepted += 2;
      }));
    }
    sleep_for(std::chrono::milliseconds(1));
    for (int i = 0; i < 8; ++i) connected_to(session, listening);
    for (auto& acceptor : acceptors) acceptor.join();
    EXPECT_EQ(accepted, 8);
  });
}

TEST(Sharing, WaitersOnOneEpollSetAllGetTheirEvents) {
  run_with_session_in_main([](Session& session) {
    const int set = session.own(epoll_create1(0));
    const Ends ends = pipe_ends(session);
    epoll_event interest{EPOLLIN | EPOLLONESHOT, {}};
    ASSERT_EQ(epoll_ctl(set, EPOLL_CTL_ADD, ends.reader, &interest), 0);
    int events = 0;
    std::vector<Task<void>> waiters;
    for (int i = 0; i < 5; ++i) {
      waiters.push_back(spawn([&] {
        epoll_event event;
        EXPECT_EQ(epoll_wait(set, &event, 1, -1), 1);
        ++events;
        epoll_ctl(set, EPOLL_CTL_MOD, ends.reader, &interest);  // one shot for the next
      }));
    }
    sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ(events, 0);
    put(session, ends.writer, "x");
    for (auto& waiter : waiters) waiter.join();
    EXPECT_EQ(events, 5);
  });
}

TEST(Sharing, PollersAndAReaderOfOneDescriptor) {
  run_with_session_in_main([](Session& session) {
    const Ends ends = pipe_ends(session);
    int seen = 0;
    std::vector<Task<void>> pollers;
    for (int i = 0; i < 3; ++i) {
      pollers.push_back(spawn([&] {
        pollfd query{ends.reader, POLLIN, 0};
        seen += poll(&query, 1, -1);
      }));
    }
    yield();
    put(session, ends.writer, "x");
    for (auto& poller : pollers) poller.join();
    EXPECT_EQ(seen, 3);
    EXPECT_EQ(take(session, ends.reader, 1), "x");
  });
}

/// Runs `body` in a scheduler of each of two threads.
template <class Body>
void in_two_schedulers(Body body) {
  std::thread other([&] { run(body); });
  run(body);
  other.join();
}

TEST(TwoSchedulers, ShareAListener) {
  const DescriptorLeakCheck leaks;
  Session session(Way::kHookInThread);
  const int listening = listener(session, 64);
  constexpr int kEach = 20;
  std::thread clients([&] {
    for (int i = 0; i < 2 * kEach; ++i) {
      Session client(Way::kHookInThread);
      EXPECT_EQ(take(client, connected_to(client, listening), 1), "!");
    }
  });
  in_two_schedulers([&] {
    for (int i = 0; i < kEach; ++i) {
      Session server(Way::kHookInCoroutine);
      const int socket = server.own(accept(listening, nullptr, nullptr));
      put(server, socket, "!");
    }
  });
  clients.join();
}

TEST(TwoSchedulers, ReadFromOneSocket) {
  const DescriptorLeakCheck leaks;
  Session session(Way::kHookInThread);
  const Ends ends = unix_stream_ends(session);
  constexpr int kEach = 200;
  std::atomic<int> sum{0};
  std::thread writer([&] {
    for (int i = 0; i < 2 * kEach; ++i) put(session, ends.writer, "1");
  });
  in_two_schedulers([&] {
    for (int i = 0; i < kEach; ++i) {
      char byte = 0;
      EXPECT_EQ(read(ends.reader, &byte, 1), 1);
      sum += byte - '0';
    }
  });
  writer.join();
  EXPECT_EQ(sum, 2 * kEach);
}

TEST(TwoSchedulers, BothWaitsEndWhenAThirdThreadCloses) {
  const DescriptorLeakCheck leaks;
  Session session(Way::kHookInThread);
  const Ends ends = tcp_ends(session);
  std::atomic<int> waiting{0};
  std::thread closer([&] {
    while (waiting != 2) std::this_thread::yield();
    const timespec pause{0, 2'000'000};
    real::nanosleep(&pause, nullptr);
    session.close(ends.reader);
  });
  in_two_schedulers([&] {
    char byte;
    go([&] { ++waiting; });  // runs once the reader waits
    EXPECT_EQ(read(ends.reader, &byte, 1), -1);
    EXPECT_EQ(errno, EBADF);
  });
  closer.join();
}

}  // namespace
}  // namespace colibri::test
