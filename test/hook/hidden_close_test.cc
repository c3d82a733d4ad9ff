// Descriptors that were closed behind the hooks' back, by raw system calls or inside libc, and
// whose number came round: the hooks find out where it costs nothing. See docs/hooks.md for the
// rest.
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include "test/support/ancillary.h"
#include "test/support/channels.h"
#include "test/support/run_in_session.h"
#include "test/support/transfers.h"

namespace colibri::test {
namespace {

/// Closes as a raw system call does.
void close_hidden(int descriptor) {
  EXPECT_EQ(syscall(SYS_close, descriptor), 0);
}

/// Makes `number` mean what `descriptor` does, without the hooks' knowledge.
void move_hidden(int descriptor, int number) {
  EXPECT_EQ(syscall(SYS_dup3, descriptor, number, 0), number);
  close_hidden(descriptor);
}

TEST(HiddenClose, OfASocketThatComesRoundAsAPipe) {
  run_in_session([](Session& session) {
    const int number = tcp_ends(session).reader;
    int raw[2];
    ASSERT_EQ(real::pipe(raw), 0);
    move_hidden(raw[0], number);
    session.own(raw[1]);
    session.meanwhile([=, &session] { put(session, raw[1], "hello"); });
    EXPECT_EQ(take(session, number, 5), "hello");
    char byte;
    session.meanwhile([=, &session] { session.close(raw[1]); });
    EXPECT_EQ(read(number, &byte, 1), 0);
  });
}

TEST(HiddenClose, OfASocketThatComesRoundAsAPipeToWriteTo) {
  run_in_session([](Session& session) {
    const int number = tcp_ends(session).writer;
    int raw[2];
    ASSERT_EQ(real::pipe(raw), 0);
    move_hidden(raw[1], number);
    session.own(raw[0]);
    put(session, number, "hello");
    EXPECT_EQ(take(session, raw[0], 5), "hello");
  });
}

TEST(HiddenClose, IsNoticedByTheFirstCallThatFails) {
  run_in_session([](Session& session) {
    const int number = unix_stream_ends(session).reader;
    close_hidden(number);
    char byte;
    EXPECT_EQ(read(number, &byte, 1), -1);
    EXPECT_EQ(errno, EBADF);
    int raw[2];
    ASSERT_EQ(real::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, raw), 0);
    if (raw[0] != number) move_hidden(raw[0], number);
    session.own(raw[1]);
    EXPECT_EQ(read(number, &byte, 1), -1);
    EXPECT_EQ(errno, EAGAIN) << "the new one is non-blocking";
  });
}

TEST(HiddenClose, KeepsCopiesInStepIfItWasNone) {
  run_in_session([](Session& session) {
    const int writer = pipe_ends(session).writer;
    const int copy = session.own(dup(writer));
    char byte;
    EXPECT_EQ(read(writer, &byte, 1), -1);
    EXPECT_EQ(errno, EBADF) << "not open for reading";
    set_nonblocking(session, copy);
    const std::string page(4096, 'x');
    while (write(writer, page.data(), page.size()) > 0) continue;
    EXPECT_EQ(errno, EAGAIN);
  });
}

TEST(HiddenClose, OfANumberUnderWhichADescriptorIsReceived) {
  run_in_session([](Session& session) {
    const Ends ends = unix_stream_ends(session);
    const Ends passed = pipe_ends(session);
    const int lost = unix_stream_ends(session).reader;  // no smaller number is free
    set_nonblocking(session, lost);
    const std::string text = "x";
    OutgoingDescriptor outgoing(text, passed.reader);
    ASSERT_EQ(sendmsg(ends.writer, &outgoing.header, 0), 1);
    close_hidden(lost);
    IncomingMessage message(10);
    ASSERT_EQ(recvmsg(ends.reader, &message.header, 0), 1);
    ASSERT_EQ(message.descriptor(), lost);
    session.meanwhile([=, &session] { put(session, passed.writer, "hello"); });
    EXPECT_EQ(take(session, lost, 5), "hello") << "the new one blocks";
  });
}

}  // namespace
}  // namespace colibri::test
