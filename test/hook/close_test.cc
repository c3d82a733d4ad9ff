// close, dup2 and shutdown while other coroutines, or other threads, wait on the descriptor.
#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "colibri/core/sleep.h"
#include "test/support/channels.h"
#include "test/support/hooked_calls.h"
#include "test/support/run_in_session.h"
#include "test/support/transfers.h"

namespace colibri::test {
namespace {

/// TCP ends such that the next descriptor gets the number of the reader, once that is closed.
Ends tcp_ends_without_gap(Session& session) {
  const Ends ends = tcp_ends(session);
  session.own(::open("/dev/null", O_RDONLY));  // where the listener was
  return ends;
}

/// What the call gives: the bytes, or the name of the error.
std::string outcome(Session& session, const Reader& reader, int descriptor) {
  char bytes[10];
  errno = 0;
  const ssize_t count = reader.call(session.libc, descriptor, bytes, sizeof bytes, 0);
  return count >= 0 ? std::string(bytes, static_cast<std::size_t>(count)) : strerrorname_np(errno);
}

TEST(Close, EndsEveryReaderWithABadDescriptor) {
  for (const Channel& channel : kChannels) {
    for (const Reader& reader : kReaders) {
      if (reader.has_flags && channel.kind == kPipeChannel) continue;
      SCOPED_TRACE(std::string(channel.name) + " " + reader.name);
      run_in_session([&](Session& session) {
        const Ends ends = channel.open(session);
        session.meanwhile([=, &session] { session.close(ends.reader); });
        EXPECT_EQ(outcome(session, reader, ends.reader), "EBADF");
      });
    }
  }
}

// Both wait in pauses, since no event tells when to go on.
TEST(Close, EndsAMessageToAFullReceiverAndAConnectToAFullBacklog) {
  run_in_session([](Session& session) {
    const sockaddr_un to = unix_address();
    full_receiver(session, to);
    const int socket = session.own(::socket(AF_UNIX, SOCK_DGRAM, 0));
    session.meanwhile([=, &session] { session.close(socket); });
    EXPECT_EQ(sendto(socket, "x", 1, 0, generic(to), sizeof to), -1);
    EXPECT_EQ(errno, EBADF);
  });
  run_in_session([](Session& session) {
    const sockaddr_un to = unix_address();
    const int listening = session.own(::socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(bind(listening, generic(to), sizeof to), 0);
    ASSERT_EQ(listen(listening, 0), 0);
    ASSERT_EQ(connect(session.own(::socket(AF_UNIX, SOCK_STREAM, 0)), generic(to), sizeof to), 0);
    const int socket = session.own(::socket(AF_UNIX, SOCK_STREAM, 0));
    session.meanwhile([=, &session] {
      session.close(socket);
      // The number gets another meaning at once: the waiting call must not touch it.
      session.own(::socket(AF_UNIX, SOCK_STREAM, 0));
    });
    EXPECT_EQ(connect(socket, generic(to), sizeof to), -1);
    EXPECT_EQ(errno, EBADF);
  });
}

TEST(Close, EndsAWriterWithTheCountSoFar) {
  for (const Channel& channel : kChannels) {
    if ((channel.kind & kStreamChannels) == 0) continue;
    SCOPED_TRACE(channel.name);
    run_in_session([&](Session& session) {
      const Ends ends = channel.open(session);
      const std::string text(20'000'000, 'x');
      session.meanwhile([=, &session] { session.close(ends.writer); });
      const ssize_t sent = write(ends.writer, text.data(), text.size());
      EXPECT_GT(sent, 0);
      EXPECT_LT(sent, 20'000'000);
      EXPECT_EQ(write(ends.writer, "x", 1), -1);
      EXPECT_EQ(errno, EBADF);
    });
  }
}

TEST(Close, EndsAccept) {
  run_in_session([](Session& session) {
    const int listening = listener(session);
    session.meanwhile([=, &session] { session.close(listening); });
    EXPECT_EQ(accept(listening, nullptr, nullptr), -1);
    EXPECT_EQ(errno, EBADF);
  });
}

TEST(Close, EndsPollWithAnInvalidEntry) {
  run_in_session([](Session& session) {
    const Ends first = pipe_ends(session);
    const Ends second = tcp_ends(session);
    session.meanwhile([=, &session] { session.close(second.reader); });
    pollfd query[] = {{first.reader, POLLIN, 0}, {second.reader, POLLIN, 0}};
    EXPECT_EQ(poll(query, 2, -1), 1);
    EXPECT_EQ(query[0].revents, 0);
    EXPECT_EQ(query[1].revents, POLLNVAL);
  });
}

TEST(Close, OfANumberThatIsReusedAtOnceStillEndsTheOldWait) {
  run_in_session([](Session& session) {
    const Ends ends = tcp_ends_without_gap(session);
    const auto next = std::make_shared<Ends>();
    session.meanwhile([=, &session] {
      session.close(ends.reader);
      *next = pipe_ends(session);  // gets the lowest free number: the same
      ASSERT_EQ(next->reader, ends.reader);
      put(session, next->writer, "not for the old reader");
    });
    EXPECT_EQ(outcome(session, kReaders[0], ends.reader), "EBADF");
    EXPECT_EQ(outcome(session, kReaders[0], next->reader), "not for th");
  });
}

TEST(Close, EndsSelectWithABadDescriptor) {
  run_in_session([](Session& session) {
    const Ends open = pipe_ends(session);
    const Ends closed = pipe_ends(session);
    session.meanwhile([=, &session] { session.close(closed.reader); });
    fd_set set;
    FD_ZERO(&set);
    FD_SET(open.reader, &set);
    FD_SET(closed.reader, &set);
    EXPECT_EQ(select(closed.writer + 1, &set, nullptr, nullptr, nullptr), -1);
    EXPECT_EQ(errno, EBADF);
    EXPECT_TRUE(FD_ISSET(open.reader, &set) && FD_ISSET(closed.reader, &set)) << "sets are kept";
  });
}

TEST(Close, OfAnEpollSetEndsItsWait) {
  run_in_session([](Session& session) {
    const int set = session.own(epoll_create1(0));
    session.meanwhile([=, &session] {
      session.close(set);
      session.own(epoll_create1(0));  // the number comes round
    });
    epoll_event event;
    EXPECT_EQ(epoll_wait(set, &event, 1, -1), -1);
    EXPECT_EQ(errno, EBADF);
  });
}

// The kernel takes it out of the set; the wait goes on.
TEST(Close, OfADescriptorInAnEpollSetDoesNotEndTheWait) {
  run_in_session([](Session& session) {
    const int set = session.own(epoll_create1(0));
    const Ends ends = pipe_ends(session);
    epoll_event event{EPOLLIN, {}};
    ASSERT_EQ(epoll_ctl(set, EPOLL_CTL_ADD, ends.reader, &event), 0);
    session.meanwhile([=, &session] { session.close(ends.reader); });
    EXPECT_EQ(epoll_wait(set, &event, 1, 5), 0);
  });
}

TEST(Close, OfANumberThatIsReusedAtOnceEndsAPoll) {
  run_in_session([](Session& session) {
    const Ends ends = tcp_ends_without_gap(session);
    const Ends other = tcp_ends(session);
    const auto next = std::make_shared<Ends>();
    session.meanwhile([=, &session] {
      session.close(ends.reader);
      *next = pipe_ends(session);
      ASSERT_EQ(next->reader, ends.reader);
    });
    pollfd query[] = {{ends.reader, POLLIN, 0}, {other.reader, POLLIN, 0}};
    EXPECT_EQ(poll(query, 2, -1), 1);
    EXPECT_EQ(query[0].revents, POLLNVAL);
  });
}

TEST(Close, LeavesNoEventsToTheNextOwnerOfTheNumber) {
  run_in_session([](Session& session) {
    const Ends ends = tcp_ends_without_gap(session);
    session.meanwhile([=, &session] { put(session, ends.writer, "first"); });
    EXPECT_EQ(outcome(session, kReaders[0], ends.reader), "first");
    put(session, ends.writer, "an event of the old connection");
    session.close(ends.reader);
    const Ends next = pipe_ends(session);
    ASSERT_EQ(next.reader, ends.reader);
    session.meanwhile([=, &session] { put(session, next.writer, "second"); });
    EXPECT_EQ(outcome(session, kReaders[0], next.reader), "second");
  });
}

// HOOKS, fact 6: the description lives on under another number, and keeps firing.
TEST(Close, OfOneNumberWhileACopyLivesLeavesNothingRegistered) {
  run_in_session([](Session& session) {
    const Ends ends = tcp_ends_without_gap(session);
    const int copy = session.own(dup(ends.reader));
    session.meanwhile([=, &session] { put(session, ends.writer, "first"); });
    EXPECT_EQ(outcome(session, kReaders[0], ends.reader), "first");
    session.close(ends.reader);
    const Ends next = pipe_ends(session);
    ASSERT_EQ(next.reader, ends.reader);
    put(session, ends.writer, "second");
    session.meanwhile([=, &session] { put(session, next.writer, "third"); });
    EXPECT_EQ(outcome(session, kReaders[0], next.reader), "third");
    EXPECT_EQ(outcome(session, kReaders[0], copy), "second");
  });
}

TEST(Dup2, OntoAWaitedDescriptorEndsTheWait) {
  run_in_session([](Session& session) {
    const Ends ends = tcp_ends(session);
    const Ends other = pipe_ends(session);
    session.meanwhile([=] { ASSERT_EQ(dup2(other.reader, ends.reader), ends.reader); });
    EXPECT_EQ(outcome(session, kReaders[0], ends.reader), "EBADF");
    session.meanwhile([=, &session] { put(session, other.writer, "new"); });
    EXPECT_EQ(outcome(session, kReaders[0], ends.reader), "new");
  });
}

TEST(Dup2, ThatFailsEndsNoWait) {
  run_in_session([](Session& session) {
    const Ends ends = tcp_ends(session);
    session.meanwhile([=, &session] {
      EXPECT_EQ(dup2(-1, ends.reader), -1);
      EXPECT_EQ(dup3(ends.writer, ends.reader, 0x7), -1);
      session.until_waiting();
      put(session, ends.writer, "hello");
    });
    EXPECT_EQ(outcome(session, kReaders[0], ends.reader), "hello");
  });
}

TEST(Close, FromAnotherThreadEndsTheWait) {
  run_in_session([](Session& session) {
    const Ends ends = tcp_ends(session);
    const auto closer = std::make_shared<std::thread>();
    session.meanwhile(
        [=, &session] { *closer = std::thread([=, &session] { session.close(ends.reader); }); });
    EXPECT_EQ(outcome(session, kReaders[0], ends.reader), "EBADF");
    session.finish_helpers();
    closer->join();
  });
}

TEST(Close, OfWhatIsDrainedByAnotherCoroutineEndsBoth) {
  run_in_session([](Session& session) {
    const Ends ends = tcp_ends(session);
    auto second = spawn([=, &session] { return outcome(session, kReaders[3], ends.reader); });
    session.meanwhile([=, &session] { session.close(ends.reader); });
    EXPECT_EQ(outcome(session, kReaders[0], ends.reader), "EBADF");
    EXPECT_EQ(second.join(), "EBADF");
  });
}

}  // namespace
}  // namespace colibri::test
