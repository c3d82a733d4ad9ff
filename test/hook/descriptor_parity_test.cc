// socket, socketpair, pipe, close, shutdown, dup and its kin give what libc gives.
#include <gtest/gtest.h>

#include "test/support/channels.h"
#include "test/support/transfers.h"

namespace colibri::test {
namespace {

const ParityCase kBirthAndDeath[] = {
    {"SocketFlags", "non-blocking, blocking",
     [](Session& session) {
       note_flags(session,
                  session.own(session.libc.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)));
       note_flags(session, session.own(session.libc.socket(AF_INET, SOCK_STREAM, 0)));
     }},
    {"SocketErrors", "-1 EAFNOSUPPORT, -1 EINVAL, -1 EPROTONOSUPPORT",
     [](Session& session) {
       session.call(session.libc.socket, 99, SOCK_STREAM, 0);
       session.call(session.libc.socket, AF_INET, 0x10000, 0);
       session.call(session.libc.socket, AF_INET, SOCK_STREAM, IPPROTO_UDP);
     }},
    {"SocketpairFlags", "0, non-blocking, -1 EAGAIN",
     [](Session& session) {
       int pair[2];
       session.call(session.libc.socketpair, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair);
       session.own(pair[1]);
       note_flags(session, session.own(pair[0]));
       try_read(session, pair[0]);
     }},
    {"SocketpairErrors", "-1 EOPNOTSUPP, -1 EFAULT",
     [](Session& session) {
       int pair[2];
       session.call(session.libc.socketpair, AF_INET, SOCK_STREAM, 0, pair);
       session.call(session.libc.socketpair, AF_UNIX, SOCK_STREAM, 0, bad_pointer<int>());
     }},
    {"PipeFlags", "0, non-blocking, -1 EAGAIN, -1 EINVAL, -1 EFAULT, -1 EFAULT",
     [](Session& session) {
       int pair[2];
       session.call(session.libc.pipe2, pair, O_NONBLOCK);
       session.own(pair[1]);
       note_flags(session, session.own(pair[0]));
       try_read(session, pair[0]);
       session.call(session.libc.pipe2, pair, O_APPEND);
       session.call(session.libc.pipe2, bad_pointer<int>(), 0);
       session.call(session.libc.pipe, bad_pointer<int>());
     }},
    {"Close", "0, -1 EBADF, -1 EBADF, -1 EBADF",
     [](Session& session) {
       int pair[2];
       session.libc.pipe(pair);
       session.own(pair[1]);
       session.call(session.libc.close, pair[0]);
       session.call(session.libc.close, pair[0]);
       session.call(session.libc.close, -1);
       session.call(session.libc.close, 2147483647);
     }},
    {"Shutdown", "0, 0, -1 EINVAL, -1 ENOTCONN, -1 ENOTSOCK, -1 EBADF",
     [](Session& session) {
       const Ends ends = unix_stream_ends(session);
       session.call(session.libc.shutdown, ends.reader, SHUT_RD);
       session.call(session.libc.shutdown, ends.reader, SHUT_WR);
       session.call(session.libc.shutdown, ends.reader, 7);
       session.call(session.libc.shutdown,
                    session.own(session.libc.socket(AF_INET, SOCK_STREAM, 0)), SHUT_RD);
       session.call(session.libc.shutdown, pipe_ends(session).reader, SHUT_RD);
       session.call(session.libc.shutdown, -1, SHUT_RD);
     }},
};

const ParityCase kCopies[] = {
    {"DupSharesFlags", "non-blocking, -1 EAGAIN, blocking, 5 hello",
     [](Session& session) {
       const Ends ends = pipe_ends(session);
       const int copy = session.own(session.libc.dup(ends.reader));
       set_nonblocking(session, ends.reader);
       note_flags(session, copy);
       try_read(session, copy);
       set_nonblocking(session, copy, false);
       note_flags(session, ends.reader);
       session.meanwhile([=, &session] { put(session, ends.writer, "hello"); });
       try_read(session, ends.reader);
     }},
    {"CopyOfACopySharesFlags", "-1 EAGAIN, -1 EAGAIN, -1 EAGAIN",
     [](Session& session) {
       const Ends ends = unix_stream_ends(session);
       const int second = session.own(session.libc.dup(ends.reader));
       const int third = session.own(session.libc.fcntl(second, F_DUPFD_CLOEXEC, 0));
       session.close(second);
       const int fourth = session.own(session.libc.dup(ends.reader));
       set_nonblocking(session, third);
       for (const int each : {ends.reader, third, fourth}) try_read(session, each);
     }},
    {"ClosedCopyLeavesTheOthers", "5 hello",
     [](Session& session) {
       const Ends ends = tcp_ends(session);
       const int copy = session.own(session.libc.dup(ends.reader));
       session.meanwhile([=, &session] {
         session.close(copy);
         session.until_waiting();
         put(session, ends.writer, "hello");
       });
       try_read(session, ends.reader);
     }},
    {"CopyOutlivesTheOriginal", "5 hello, 5 again",
     [](Session& session) {
       const Ends ends = tcp_ends(session);
       session.meanwhile([=, &session] { put(session, ends.writer, "hello"); });
       try_read(session, ends.reader);
       const int copy = session.own(session.libc.dup(ends.reader));
       session.close(ends.reader);
       session.meanwhile([=, &session] { put(session, ends.writer, "again"); });
       try_read(session, copy);
     }},
    {"Dup2OntoAnother", "the number, 5 hello, 0",
     [](Session& session) {
       const Ends ends = pipe_ends(session);
       const Ends other = unix_stream_ends(session);
       set_nonblocking(session, other.reader);
       session.note_if(session.libc.dup2(ends.reader, other.reader) == other.reader, "the number");
       session.meanwhile([=, &session] { put(session, ends.writer, "hello"); });
       try_read(session, other.reader);
       session.close(ends.writer);
       try_read(session, other.reader);
     }},
    {"Dup2OntoItself", "the number, -1 EBADF",
     [](Session& session) {
       const Ends ends = pipe_ends(session);
       session.note_if(session.libc.dup2(ends.reader, ends.reader) == ends.reader, "the number");
       const int closed = free_number(session);
       session.call(session.libc.dup2, closed, closed);
     }},
    {"Dup2OfABadOneLeavesTheTarget", "-1 EBADF, -1 EBADF, -1 EBADF, 5 hello",
     [](Session& session) {
       const Ends ends = pipe_ends(session);
       session.call(session.libc.dup2, -1, ends.reader);
       session.call(session.libc.dup2, free_number(session), ends.reader);
       session.call(session.libc.dup2, ends.reader, -1);
       session.meanwhile([=, &session] { put(session, ends.writer, "hello"); });
       try_read(session, ends.reader);
     }},
    {"Dup3", "the number, close-on-exec, -1 EINVAL, -1 EINVAL, 5 hello",
     [](Session& session) {
       const Ends ends = pipe_ends(session);
       const int number = free_number(session);
       session.note_if(session.libc.dup3(ends.reader, number, O_CLOEXEC) == number, "the number");
       session.own(number);
       session.note_if((session.libc.fcntl(number, F_GETFD) & FD_CLOEXEC) != 0, "close-on-exec");
       session.call(session.libc.dup3, ends.reader, ends.reader, 0);
       session.call(session.libc.dup3, ends.reader, number, O_NONBLOCK);
       session.meanwhile([=, &session] { put(session, ends.writer, "hello"); });
       try_read(session, number);
     }},
    {"DupErrors", "-1 EBADF, -1 EBADF, -1 EBADF, -1 EINVAL",
     [](Session& session) {
       session.call(session.libc.dup, -1);
       session.call(session.libc.dup, free_number(session));
       session.call(session.libc.dup2, 0, 2147483647);
       session.measure([&] { return session.libc.fcntl(0, F_DUPFD, -1); });
     }},
};

class DescriptorParity : public testing::TestWithParam<ParityCase> {};

TEST_P(DescriptorParity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

using Info = testing::TestParamInfo<ParityCase>;
INSTANTIATE_TEST_SUITE_P(BirthAndDeath, DescriptorParity, testing::ValuesIn(kBirthAndDeath),
                         name_of_case<Info>);
INSTANTIATE_TEST_SUITE_P(Copies, DescriptorParity, testing::ValuesIn(kCopies), name_of_case<Info>);
}  // namespace
}  // namespace colibri::test
