// What the flags of the recv family mean, in libc and in the hooks.
#include <gtest/gtest.h>

#include "test/support/situations.h"

namespace colibri::test {
namespace {

/// For helpers: writes the two halves of "helloworld", the second once the reader waits again.
void put_in_two_parts(Session& session, int descriptor) {
  put(session, descriptor, "hello");
  session.until_waiting();
  put(session, descriptor, "world");
}

constexpr Situation<Reader> kSituations[] = {
    {"DontWait", kSocketChannels, "-1 EAGAIN, 5 hello, -1 EAGAIN",
     [](Session& session, const Reader& reader, const Ends& ends) {
       receive(session, reader, ends.reader, 100, MSG_DONTWAIT);
       put(session, ends.writer, "hello");
       receive(session, reader, ends.reader, 100, MSG_DONTWAIT);
       receive(session, reader, ends.reader, 100, MSG_DONTWAIT);
     }},
    {"DontWaitAfterAWait", kSocketChannels, "5 hello, -1 EAGAIN, 5 world",
     [](Session& session, const Reader& reader, const Ends& ends) {
       session.meanwhile([=, &session] { put(session, ends.writer, "hello"); });
       receive(session, reader, ends.reader, 100);
       receive(session, reader, ends.reader, 100, MSG_DONTWAIT);
       put(session, ends.writer, "world");
       receive(session, reader, ends.reader, 100, MSG_DONTWAIT);
     }},
    {"Peek", kSocketChannels, "5 hello, 3 hel, 5 hello",
     [](Session& session, const Reader& reader, const Ends& ends) {
       session.meanwhile([=, &session] { put(session, ends.writer, "hello"); });
       receive(session, reader, ends.reader, 100, MSG_PEEK);
       receive(session, reader, ends.reader, 3, MSG_PEEK);
       receive(session, reader, ends.reader, 100);
     }},
    {"PeekAtTheEnd", kStreamSocketChannels, "0, 0",
     [](Session& session, const Reader& reader, const Ends& ends) {
       session.meanwhile([=, &session] { session.close(ends.writer); });
       receive(session, reader, ends.reader, 100, MSG_PEEK);
       receive(session, reader, ends.reader, 100);
     }},
    {"WaitAll", kStreamSocketChannels, "10 helloworld",
     [](Session& session, const Reader& reader, const Ends& ends) {
       session.meanwhile([=, &session] { put_in_two_parts(session, ends.writer); });
       receive(session, reader, ends.reader, 10, MSG_WAITALL);
     }},
    {"WaitAllTakesNoMore", kStreamSocketChannels, "7 hellowo, 3 rld",
     [](Session& session, const Reader& reader, const Ends& ends) {
       session.meanwhile([=, &session] { put_in_two_parts(session, ends.writer); });
       receive(session, reader, ends.reader, 7, MSG_WAITALL);
       receive(session, reader, ends.reader, 7);
     }},
    {"WaitAllMeetsTheEnd", kStreamSocketChannels, "5 hello, 0",
     [](Session& session, const Reader& reader, const Ends& ends) {
       session.meanwhile([=, &session] {
         put(session, ends.writer, "hello");
         session.until_waiting();
         session.close(ends.writer);
       });
       receive(session, reader, ends.reader, 10, MSG_WAITALL);
       receive(session, reader, ends.reader, 10, MSG_WAITALL);
     }},
    {"WaitAllMeetsAReset", kTcpChannel, "5 hello, -1 ECONNRESET",
     [](Session& session, const Reader& reader, const Ends& ends) {
       session.meanwhile([=, &session] {
         put(session, ends.writer, "hello");
         session.until_waiting();
         reset_connection(session, ends.writer);
       });
       receive(session, reader, ends.reader, 10, MSG_WAITALL);
       receive(session, reader, ends.reader, 10, MSG_WAITALL);
     }},
    {"WaitAllMeetsATimeOut", kStreamSocketChannels, "5 hello, -1 EAGAIN",
     [](Session& session, const Reader& reader, const Ends& ends) {
       set_timeout(session, ends.reader, SO_RCVTIMEO, 5'000);
       put(session, ends.writer, "hello");
       receive(session, reader, ends.reader, 10, MSG_WAITALL);
       receive(session, reader, ends.reader, 10, MSG_WAITALL);
     }},
    {"WaitAllOfNonBlocking", kStreamSocketChannels, "5 hello, -1 EAGAIN",
     [](Session& session, const Reader& reader, const Ends& ends) {
       set_nonblocking(session, ends.reader);
       put(session, ends.writer, "hello");
       receive(session, reader, ends.reader, 10, MSG_WAITALL);
       receive(session, reader, ends.reader, 10, MSG_WAITALL);
     }},
    {"WaitAllWithDontWait", kStreamSocketChannels, "5 hello, -1 EAGAIN",
     [](Session& session, const Reader& reader, const Ends& ends) {
       put(session, ends.writer, "hello");
       receive(session, reader, ends.reader, 10, MSG_WAITALL | MSG_DONTWAIT);
       receive(session, reader, ends.reader, 10, MSG_WAITALL | MSG_DONTWAIT);
     }},
    {"WaitAllOfAMessageTakesOne", kMessageChannels, "5 hello, 5 world",
     [](Session& session, const Reader& reader, const Ends& ends) {
       session.meanwhile([=, &session] {
         put(session, ends.writer, "hello");
         put(session, ends.writer, "world");
       });
       receive(session, reader, ends.reader, 100, MSG_WAITALL);
       receive(session, reader, ends.reader, 100, MSG_WAITALL);
     }},
    {"PeekWaitAll", kTcpChannel, "10 helloworld, 10 helloworld",
     [](Session& session, const Reader& reader, const Ends& ends) {
       session.meanwhile([=, &session] { put_in_two_parts(session, ends.writer); });
       receive(session, reader, ends.reader, 10, MSG_PEEK | MSG_WAITALL);
       receive(session, reader, ends.reader, 10);
     }},
    {"PeekWaitAllMeetsTheEnd", kTcpChannel, "5 hello, 5 hello, 0",
     [](Session& session, const Reader& reader, const Ends& ends) {
       session.meanwhile([=, &session] {
         put(session, ends.writer, "hello");
         session.until_waiting();
         session.close(ends.writer);
       });
       receive(session, reader, ends.reader, 10, MSG_PEEK | MSG_WAITALL);
       receive(session, reader, ends.reader, 10);
       receive(session, reader, ends.reader, 10, MSG_PEEK | MSG_WAITALL);
     }},
    {"PeekWaitAllWhenTheEndHasCome", kTcpChannel, "5 hello, 5 hello",
     [](Session& session, const Reader& reader, const Ends& ends) {
       put(session, ends.writer, "hello");
       session.close(ends.writer);
       receive(session, reader, ends.reader, 10, MSG_PEEK | MSG_WAITALL);
       receive(session, reader, ends.reader, 10);
     }},
    {"PeekWaitAllMeetsATimeOut", kTcpChannel, "5 hello, 5 hello, -1 EAGAIN",
     [](Session& session, const Reader& reader, const Ends& ends) {
       set_timeout(session, ends.reader, SO_RCVTIMEO, 5'000);
       put(session, ends.writer, "hello");
       receive(session, reader, ends.reader, 10, MSG_PEEK | MSG_WAITALL);
       receive(session, reader, ends.reader, 10);
       receive(session, reader, ends.reader, 10, MSG_PEEK | MSG_WAITALL);
     }},
    // Unix streams look at the first part only, however many bytes are asked for.
    {"PeekWaitAll", kUnixStreamChannel, "10 helloworld, 10 helloworld",
     [](Session& session, const Reader& reader, const Ends& ends) {
       put(session, ends.writer, "hello");
       put(session, ends.writer, "world");
       receive(session, reader, ends.reader, 10, MSG_PEEK | MSG_WAITALL);
       receive(session, reader, ends.reader, 10);
     }},
    {"PeekWaitAllTakesWhatHasCome", kUnixStreamChannel, "5 hello, 5 hello",
     [](Session& session, const Reader& reader, const Ends& ends) {
       session.meanwhile([=, &session] { put(session, ends.writer, "hello"); });
       receive(session, reader, ends.reader, 10, MSG_PEEK | MSG_WAITALL);
       receive(session, reader, ends.reader, 10);
     }},
    {"TruncTellsTheWholeSize", kDatagramChannel | kUdpChannel | kSeqpacketChannel,
     "10 hel, 5 again",
     [](Session& session, const Reader& reader, const Ends& ends) {
       session.meanwhile([=, &session] {
         put(session, ends.writer, "helloworld");
         put(session, ends.writer, "again");
       });
       receive(session, reader, ends.reader, 3, MSG_TRUNC);
       receive(session, reader, ends.reader, 100);
     }},
    {"PeekTruncTellsTheNextSize", kMessageChannels, "10 hel, 10 helloworld",
     [](Session& session, const Reader& reader, const Ends& ends) {
       session.meanwhile([=, &session] { put(session, ends.writer, "helloworld"); });
       receive(session, reader, ends.reader, 3, MSG_PEEK | MSG_TRUNC);
       receive(session, reader, ends.reader, 100);
     }},
    {"OutOfBand", kTcpChannel, "-1 EINVAL, 1 !, 2 ab, 2 cd",
     [](Session& session, const Reader& reader, const Ends& ends) {
       receive(session, reader, ends.reader, 10, MSG_OOB);
       put(session, ends.writer, "ab");
       session.libc.send(ends.writer, "!", 1, MSG_OOB);
       put(session, ends.writer, "cd");
       receive(session, reader, ends.reader, 10, MSG_OOB);
       receive(session, reader, ends.reader, 10);
       receive(session, reader, ends.reader, 10);
     }},
    // HOOKS, fact 1: the mark makes a read short although data is left, and no edge follows.
    {"OutOfBandMarkInTheStream", kTcpChannel, "2 ab, 2 cd",
     [](Session& session, const Reader& reader, const Ends& ends) {
       session.meanwhile([=, &session] {
         put(session, ends.writer, "ab");
         session.libc.send(ends.writer, "!", 1, MSG_OOB);
         put(session, ends.writer, "cd");
       });
       receive(session, reader, ends.reader, 10);
       receive(session, reader, ends.reader, 10);
     }},
    {"BytesOfNothingWaitForSomething", kStreamSocketChannels, "0, 5 hello",
     [](Session& session, const Reader& reader, const Ends& ends) {
       session.meanwhile([=, &session] { put(session, ends.writer, "hello"); });
       receive(session, reader, ends.reader, 0);
       receive(session, reader, ends.reader, 10);
     }},
    {"UnknownFlagsAreTheKernelsAffair", kStreamSocketChannels, "5 hello",
     [](Session& session, const Reader& reader, const Ends& ends) {
       session.meanwhile([=, &session] { put(session, ends.writer, "hello"); });
       receive(session, reader, ends.reader, 10, MSG_NOSIGNAL | MSG_CMSG_CLOEXEC);
     }},
};

class ReceiveFlagsParity : public testing::TestWithParam<ParityCase> {};

TEST_P(ReceiveFlagsParity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Channels, ReceiveFlagsParity,
                         testing::ValuesIn(reading_cases(kSituations, true)),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

}  // namespace
}  // namespace colibri::test
