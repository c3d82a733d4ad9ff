// read, readv, recv, recvfrom, recvmsg and their fortified forms, on every kind of channel, give
// what libc gives.
#include <gtest/gtest.h>

#include "test/support/situations.h"

namespace colibri::test {
namespace {

constexpr Situation<Reader> kSituations[] = {
    {"DataIsThere", kAllChannels, "5 hello",
     [](Session& session, const Reader& reader, const Ends& ends) {
       put(session, ends.writer, "hello");
       receive(session, reader, ends.reader, 100);
     }},
    {"WaitsForData", kAllChannels, "5 hello",
     [](Session& session, const Reader& reader, const Ends& ends) {
       session.meanwhile([=, &session] { put(session, ends.writer, "hello"); });
       receive(session, reader, ends.reader, 100);
     }},
    {"WaitsAgainAfterAShortRead", kAllChannels, "5 hello, 5 world",
     [](Session& session, const Reader& reader, const Ends& ends) {
       session.meanwhile([=, &session] {
         put(session, ends.writer, "hello");
         session.until_waiting();
         put(session, ends.writer, "world");
       });
       receive(session, reader, ends.reader, 100);
       receive(session, reader, ends.reader, 100);
     }},
    {"ReadsInPieces", kStreamChannels, "3 hel, 2 lo",
     [](Session& session, const Reader& reader, const Ends& ends) {
       session.meanwhile([=, &session] { put(session, ends.writer, "hello"); });
       receive(session, reader, ends.reader, 3);
       receive(session, reader, ends.reader, 3);
     }},
    {"EndOfFile", kStreamChannels | kSeqpacketChannel, "0, 0",
     [](Session& session, const Reader& reader, const Ends& ends) {
       session.close(ends.writer);
       receive(session, reader, ends.reader, 100);
       receive(session, reader, ends.reader, 100);
     }},
    {"WaitsForEndOfFile", kStreamChannels | kSeqpacketChannel, "0, 0",
     [](Session& session, const Reader& reader, const Ends& ends) {
       session.meanwhile([=, &session] { session.close(ends.writer); });
       receive(session, reader, ends.reader, 100);
       receive(session, reader, ends.reader, 100);
     }},
    // HOOKS, fact 1: one event tells of data and end together, and the read takes it in pieces.
    {"DataAndEndOfFileAtOnce", kStreamChannels, "2 he, 2 ll, 1 o, 0, 0",
     [](Session& session, const Reader& reader, const Ends& ends) {
       session.meanwhile([=, &session] {
         put(session, ends.writer, "hello");
         session.close(ends.writer);
       });
       for (int i = 0; i < 5; ++i) receive(session, reader, ends.reader, 2);
     }},
    // The same, where the first read is short and yet does not end the stream.
    {"DataAndEndOfFileAfterAShortRead", kStreamChannels, "5 hello, 0",
     [](Session& session, const Reader& reader, const Ends& ends) {
       session.meanwhile([=, &session] {
         put(session, ends.writer, "hello");
         session.close(ends.writer);
       });
       receive(session, reader, ends.reader, 100);
       receive(session, reader, ends.reader, 100);
     }},
    {"HalfCloseByThePeer", kStreamSocketChannels | kSeqpacketChannel, "0, 0 shut",
     [](Session& session, const Reader& reader, const Ends& ends) {
       session.meanwhile([=, &session] { session.libc.shutdown(ends.writer, SHUT_WR); });
       receive(session, reader, ends.reader, 100);
       session.call(session.libc.shutdown, ends.reader, SHUT_RD);
       session.append("shut");
     }},
    {"OwnShutdownWakesIt", kStreamSocketChannels | kSeqpacketChannel, "0",
     [](Session& session, const Reader& reader, const Ends& ends) {
       session.meanwhile([=, &session] { session.libc.shutdown(ends.reader, SHUT_RD); });
       receive(session, reader, ends.reader, 100);
     }},
    {"ZeroBytesWithDataThere", kStreamChannels, "0, 5 hello",
     [](Session& session, const Reader& reader, const Ends& ends) {
       put(session, ends.writer, "hello");
       receive(session, reader, ends.reader, 0);
       receive(session, reader, ends.reader, 100);
     }},
    {"EmptyMessage", kMessageChannels, "0, 5 hello",
     [](Session& session, const Reader& reader, const Ends& ends) {
       session.meanwhile([=, &session] {
         session.libc.send(ends.writer, "", 0, 0);
         put(session, ends.writer, "hello");
       });
       receive(session, reader, ends.reader, 100);
       receive(session, reader, ends.reader, 100);
     }},
    {"LongMessageIsCut", kMessageChannels, "3 hel, 5 world",
     [](Session& session, const Reader& reader, const Ends& ends) {
       put(session, ends.writer, "hello");
       put(session, ends.writer, "world");
       receive(session, reader, ends.reader, 3);
       receive(session, reader, ends.reader, 100);
     }},
    {"BadPointer", kAllChannels, "-1 EFAULT",
     [](Session& session, const Reader& reader, const Ends& ends) {
       put(session, ends.writer, "hello");
       session.measure(
           [&] { return reader.call(session.libc, ends.reader, bad_pointer(), 100, 0); });
     }},
    {"BadPointerAfterAWait", kAllChannels, "-1 EFAULT",
     [](Session& session, const Reader& reader, const Ends& ends) {
       session.meanwhile([=, &session] { put(session, ends.writer, "hello"); });
       session.measure(
           [&] { return reader.call(session.libc, ends.reader, bad_pointer(), 100, 0); });
     }},
    {"Reset", kTcpChannel, "-1 ECONNRESET, 0",
     [](Session& session, const Reader& reader, const Ends& ends) {
       reset_connection(session, ends.writer);
       receive(session, reader, ends.reader, 100);
       receive(session, reader, ends.reader, 100);
     }},
    {"WaitsForReset", kTcpChannel, "-1 ECONNRESET, 0",
     [](Session& session, const Reader& reader, const Ends& ends) {
       session.meanwhile([=, &session] { reset_connection(session, ends.writer); });
       receive(session, reader, ends.reader, 100);
       receive(session, reader, ends.reader, 100);
     }},
    {"PeerGoesWithDataUnread", kUnixStreamChannel, "-1 ECONNRESET, 0",
     [](Session& session, const Reader& reader, const Ends& ends) {
       put(session, ends.reader, "never read");
       session.meanwhile([=, &session] { session.close(ends.writer); });
       receive(session, reader, ends.reader, 100);
       receive(session, reader, ends.reader, 100);
     }},
};

/// What does not depend on the channel.
std::vector<ParityCase> cases_without_channel() {
  std::vector<ParityCase> cases;
  for (const Reader& reader : kReaders) {
    const auto add = [&](const char* name, const char* expected, auto act) {
      cases.push_back({std::string(reader.name) + "_" + name, expected,
                       [&reader, act](Session& session) { act(session, reader); }});
    };
    add("BadDescriptors", "-1 EBADF, -1 EBADF, -1 EBADF, -1 EBADF",
        [](Session& session, const Reader& each) {
          const Ends ends = unix_stream_ends(session);
          session.close(ends.reader);
          for (const int bad : {-1, ends.reader, 19'500, std::numeric_limits<int>::max()}) {
            receive(session, each, bad, 10);
          }
        });
    if (!reader.has_flags) continue;
    add("OnAPipe", "-1 ENOTSOCK", [](Session& session, const Reader& each) {
      receive(session, each, pipe_ends(session).reader, 10);
    });
    add("OnAUnconnectedSocket", "-1 ENOTCONN", [](Session& session, const Reader& each) {
      receive(session, each, session.own(session.libc.socket(AF_INET, SOCK_STREAM, 0)), 10);
    });
    add("OnAListener", "-1 ENOTCONN", [](Session& session, const Reader& each) {
      receive(session, each, listener(session), 10);
    });
  }
  return cases;
}

class ReadParity : public testing::TestWithParam<ParityCase> {};

TEST_P(ReadParity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Channels, ReadParity, testing::ValuesIn(reading_cases(kSituations)),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Anywhere, ReadParity, testing::ValuesIn(cases_without_channel()),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

}  // namespace
}  // namespace colibri::test
