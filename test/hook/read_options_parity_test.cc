// Reads under the options that programs set (time-outs, non-blocking descriptors, the low-water
// mark), with every call that reads and on every kind of channel.
#include <gtest/gtest.h>
#include <sys/ioctl.h>

#include "test/support/situations.h"

namespace colibri::test {
namespace {

constexpr Situation<Reader> kSituations[] = {
    {"TimeOut", kSocketChannels, "-1 EAGAIN, 5 hello",
     [](Session& session, const Reader& reader, const Ends& ends) {
       set_timeout(session, ends.reader, SO_RCVTIMEO, 5'000);
       receive(session, reader, ends.reader, 100);
       put(session, ends.writer, "hello");
       receive(session, reader, ends.reader, 100);
     }},
    {"TimeOutOfZeroIsNone", kSocketChannels, "5 hello",
     [](Session& session, const Reader& reader, const Ends& ends) {
       set_timeout(session, ends.reader, SO_RCVTIMEO, 1'000);
       set_timeout(session, ends.reader, SO_RCVTIMEO, 0);
       session.meanwhile([=, &session] {
         const timespec longer{0, 3'000'000};
         session.libc.nanosleep(&longer, nullptr);
         put(session, ends.writer, "hello");
       });
       receive(session, reader, ends.reader, 100);
     }},
    {"TimeOutBeyondTheClockIsNone", kSocketChannels, "0, 5 hello",
     [](Session& session, const Reader& reader, const Ends& ends) {
       const timeval longest{std::numeric_limits<time_t>::max(), 0};
       session.call(session.libc.setsockopt, ends.reader, SOL_SOCKET, SO_RCVTIMEO, &longest,
                    socklen_t{sizeof longest});
       session.meanwhile([=, &session] { put(session, ends.writer, "hello"); });
       receive(session, reader, ends.reader, 100);
     }},
    {"NegativeTimeOutIsAtOnce", kSocketChannels, "0, -1 EAGAIN, 5 hello",
     [](Session& session, const Reader& reader, const Ends& ends) {
       const timeval negative{-1, 0};
       session.call(session.libc.setsockopt, ends.reader, SOL_SOCKET, SO_RCVTIMEO, &negative,
                    socklen_t{sizeof negative});
       receive(session, reader, ends.reader, 100);
       put(session, ends.writer, "hello");
       receive(session, reader, ends.reader, 100);
     }},
    {"NonBlockingByFcntl", kAllChannels, "-1 EAGAIN, 5 hello",
     [](Session& session, const Reader& reader, const Ends& ends) {
       set_nonblocking(session, ends.reader);
       receive(session, reader, ends.reader, 100);
       put(session, ends.writer, "hello");
       receive(session, reader, ends.reader, 100);
     }},
    {"NonBlockingByIoctl", kAllChannels, "0, -1 EAGAIN, 0, 5 hello",
     [](Session& session, const Reader& reader, const Ends& ends) {
       int on = 1;
       session.measure([&] { return session.libc.ioctl(ends.reader, FIONBIO, &on); });
       receive(session, reader, ends.reader, 100);
       on = 0;
       session.measure([&] { return session.libc.ioctl(ends.reader, FIONBIO, &on); });
       session.meanwhile([=, &session] { put(session, ends.writer, "hello"); });
       receive(session, reader, ends.reader, 100);
     }},
    {"BlockingAgain", kAllChannels, "-1 EAGAIN, 5 hello",
     [](Session& session, const Reader& reader, const Ends& ends) {
       set_nonblocking(session, ends.reader);
       receive(session, reader, ends.reader, 100);
       set_nonblocking(session, ends.reader, false);
       session.meanwhile([=, &session] { put(session, ends.writer, "hello"); });
       receive(session, reader, ends.reader, 100);
     }},
    {"LowWaterMark", kStreamSocketChannels, "5 hello",
     [](Session& session, const Reader& reader, const Ends& ends) {
       set_option(session, ends.reader, SOL_SOCKET, SO_RCVLOWAT, 5);
       session.meanwhile([=, &session] {
         put(session, ends.writer, "he");
         session.until_waiting();
         put(session, ends.writer, "llo");
       });
       receive(session, reader, ends.reader, 100);
     }},
    {"LowWaterMarkAboveTheRoom", kStreamSocketChannels, "3 hel",
     [](Session& session, const Reader& reader, const Ends& ends) {
       set_option(session, ends.reader, SOL_SOCKET, SO_RCVLOWAT, 5);
       session.meanwhile([=, &session] {
         put(session, ends.writer, "he");
         session.until_waiting();
         put(session, ends.writer, "llo");
       });
       receive(session, reader, ends.reader, 3);
     }},
    {"LowWaterMarkAndEndOfFile", kStreamSocketChannels, "2 he, 0",
     [](Session& session, const Reader& reader, const Ends& ends) {
       set_option(session, ends.reader, SOL_SOCKET, SO_RCVLOWAT, 5);
       session.meanwhile([=, &session] {
         put(session, ends.writer, "he");
         session.until_waiting();
         session.close(ends.writer);
       });
       receive(session, reader, ends.reader, 100);
       receive(session, reader, ends.reader, 100);
     }},
};

class ReadOptionsParity : public testing::TestWithParam<ParityCase> {};

TEST_P(ReadOptionsParity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Channels, ReadOptionsParity, testing::ValuesIn(reading_cases(kSituations)),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

}  // namespace
}  // namespace colibri::test
