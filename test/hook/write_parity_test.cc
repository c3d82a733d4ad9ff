// write, writev, send, sendto and sendmsg, on every kind of channel, give what libc gives.
#include <gtest/gtest.h>

#include <memory>

#include "test/support/signal_counter.h"
#include "test/support/situations.h"

namespace colibri::test {
namespace {

/// More than any of the channels holds, once its buffer is small.
constexpr std::size_t kLarge = 300'000;

std::string large_text() {
  std::string text(kLarge, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i * 7 % 23);
  return text;
}

void make_buffer_small(Session& session, const Channel& channel, const Ends& ends) {
  if (channel.kind == kPipeChannel) return;
  set_option(session, ends.writer, SOL_SOCKET, SO_SNDBUF, 16'384);
}

/// Writes the large text and notes whether a part, all, or nothing went.
void transmit_large(Session& session, const Writer& writer, int descriptor, int flags = 0) {
  const std::string text = large_text();
  errno = 0;
  const ssize_t sent = writer.call(session.libc, descriptor, text.data(), text.size(), flags);
  const int error = errno;
  if (sent < 0) {
    session.note(strerrorname_np(error));
  } else {
    session.note(static_cast<std::size_t>(sent) == text.size() ? "all" : "a part");
  }
}

constexpr Situation<Writer> kSituations[] = {
    {"ThereIsRoom", kAllChannels, "5, took hello",
     [](Session& session, const Writer& writer, const Ends& ends) {
       transmit(session, writer, ends.writer, "hello");
       session.note("took " + take(session, ends.reader, 5));
     }},
    {"WaitsUntilAllIsSent", kStreamChannels, "all, the same",
     [](Session& session, const Writer& writer, const Ends& ends) {
       const auto taken = std::make_shared<std::string>();
       session.meanwhile([=, &session] { *taken = take(session, ends.reader, kLarge); });
       transmit_large(session, writer, ends.writer);
       session.finish_helpers();
       session.note(*taken == large_text() ? "the same" : "different");
     }},
    {"WaitsForRoomOfMessages", kDatagramChannel | kSeqpacketChannel, "100 sent",
     [](Session& session, const Writer& writer, const Ends& ends) {
       session.meanwhile([=, &session] {
         char byte;
         for (int i = 0; i < 100; ++i) session.libc.read(ends.reader, &byte, 1);
       });
       int sent = 0;
       const std::string text(4096, 'x');
       for (int i = 0; i < 100; ++i) {
         sent += writer.call(session.libc, ends.writer, text.data(), text.size(), 0) == 4096;
       }
       session.note(std::to_string(sent) + " sent");
     }},
    {"TimeOut", kStreamSocketChannels, "a part, EAGAIN",
     [](Session& session, const Writer& writer, const Ends& ends) {
       make_buffers_small(session, ends);
       set_timeout(session, ends.writer, SO_SNDTIMEO, 5'000);
       transmit_large(session, writer, ends.writer);
       fill(session, ends.writer);
       transmit_large(session, writer, ends.writer);
     }},
    {"TimeOutOfZeroIsNone", kStreamSocketChannels, "all",
     [](Session& session, const Writer& writer, const Ends& ends) {
       set_timeout(session, ends.writer, SO_SNDTIMEO, 1'000);
       set_timeout(session, ends.writer, SO_SNDTIMEO, 0);
       session.meanwhile([=, &session] {
         const timespec longer{0, 3'000'000};
         session.libc.nanosleep(&longer, nullptr);
         take(session, ends.reader, kLarge);
       });
       transmit_large(session, writer, ends.writer);
     }},
    {"NonBlocking", kStreamChannels, "a part, EAGAIN",
     [](Session& session, const Writer& writer, const Ends& ends) {
       make_buffers_small(session, ends);
       set_nonblocking(session, ends.writer);
       transmit_large(session, writer, ends.writer);
       fill(session, ends.writer);
       set_nonblocking(session, ends.writer);
       transmit_large(session, writer, ends.writer);
     }},
    {"ZeroBytes", kStreamChannels, "0, 1, took x",
     [](Session& session, const Writer& writer, const Ends& ends) {
       transmit(session, writer, ends.writer, "");
       transmit(session, writer, ends.writer, "x");
       session.note("took " + take(session, ends.reader, 1));
     }},
    {"BadPointer", kAllChannels, "-1 EFAULT",
     [](Session& session, const Writer& writer, const Ends& ends) {
       session.measure(
           [&] { return writer.call(session.libc, ends.writer, bad_pointer(), 100, 0); });
     }},
    {"MessageTooLong", kMessageChannels, "EMSGSIZE",
     [](Session& session, const Writer& writer, const Ends& ends) {
       transmit_large(session, writer, ends.writer);
     }},
    {"NobodyReads", kPipeChannel | kUnixStreamChannel, "-1 EPIPE, 1 SIGPIPE",
     [](Session& session, const Writer& writer, const Ends& ends) {
       const SignalCounter signals(session, SIGPIPE);
       session.close(ends.reader);
       transmit(session, writer, ends.writer, "hello");
       session.note(std::to_string(signals.count()) + " SIGPIPE");
     }},
    {"NobodyReads", kSeqpacketChannel, "-1 EPIPE, 0 SIGPIPE",
     [](Session& session, const Writer& writer, const Ends& ends) {
       const SignalCounter signals(session, SIGPIPE);
       session.close(ends.reader);
       transmit(session, writer, ends.writer, "hello");
       session.note(std::to_string(signals.count()) + " SIGPIPE");
     }},
    {"NobodyReadsADatagram", kDatagramChannel, "-1 ECONNREFUSED, 0 SIGPIPE",
     [](Session& session, const Writer& writer, const Ends& ends) {
       const SignalCounter signals(session, SIGPIPE);
       session.close(ends.reader);
       transmit(session, writer, ends.writer, "hello");
       session.note(std::to_string(signals.count()) + " SIGPIPE");
     }},
    // The kernel raises the signal for a pipe even if a part has gone, for sockets it does not.
    {"TheReaderGoesMeanwhile", kPipeChannel, "a part, 1 SIGPIPE",
     [](Session& session, const Writer& writer, const Ends& ends) {
       const SignalCounter signals(session, SIGPIPE);
       session.meanwhile([=, &session] { session.close(ends.reader); });
       transmit_large(session, writer, ends.writer);
       session.note(std::to_string(signals.count()) + " SIGPIPE");
     }},
    {"TheReaderGoesMeanwhile", kStreamSocketChannels, "a part, 0 SIGPIPE",
     [](Session& session, const Writer& writer, const Ends& ends) {
       const SignalCounter signals(session, SIGPIPE);
       session.meanwhile([=, &session] { session.close(ends.reader); });
       transmit_large(session, writer, ends.writer);
       session.note(std::to_string(signals.count()) + " SIGPIPE");
     }},
    {"OwnShutdown", kStreamSocketChannels, "0, -1 EPIPE, 1 SIGPIPE",
     [](Session& session, const Writer& writer, const Ends& ends) {
       const SignalCounter signals(session, SIGPIPE);
       session.call(session.libc.shutdown, ends.writer, SHUT_WR);
       transmit(session, writer, ends.writer, "hello");
       session.note(std::to_string(signals.count()) + " SIGPIPE");
     }},
    {"OwnShutdownMeanwhile", kStreamSocketChannels, "a part, 0 SIGPIPE",
     [](Session& session, const Writer& writer, const Ends& ends) {
       const SignalCounter signals(session, SIGPIPE);
       session.meanwhile([=, &session] { session.libc.shutdown(ends.writer, SHUT_RDWR); });
       transmit_large(session, writer, ends.writer);
       session.note(std::to_string(signals.count()) + " SIGPIPE");
     }},
    {"ResetMeanwhile", kTcpChannel, "a part, -1 ECONNRESET, -1 EPIPE, 1 SIGPIPE",
     [](Session& session, const Writer& writer, const Ends& ends) {
       const SignalCounter signals(session, SIGPIPE);
       session.meanwhile([=, &session] { reset_connection(session, ends.reader); });
       transmit_large(session, writer, ends.writer);
       transmit(session, writer, ends.writer, "hello");
       transmit(session, writer, ends.writer, "hello");
       session.note(std::to_string(signals.count()) + " SIGPIPE");
     }},
    {"AfterAReset", kTcpChannel, "-1 ECONNRESET, -1 EPIPE, 1 SIGPIPE",
     [](Session& session, const Writer& writer, const Ends& ends) {
       const SignalCounter signals(session, SIGPIPE);
       reset_connection(session, ends.reader);
       transmit(session, writer, ends.writer, "hello");
       transmit(session, writer, ends.writer, "hello");
       session.note(std::to_string(signals.count()) + " SIGPIPE");
     }},
};

constexpr Situation<Writer> kSituationsWithFlags[] = {
    {"DontWait", kStreamSocketChannels, "a part, EAGAIN",
     [](Session& session, const Writer& writer, const Ends& ends) {
       make_buffers_small(session, ends);
       transmit_large(session, writer, ends.writer, MSG_DONTWAIT);
       fill(session, ends.writer);
       transmit_large(session, writer, ends.writer, MSG_DONTWAIT);
     }},
    {"NoSignal", kStreamSocketChannels | kSeqpacketChannel, "0, -1 EPIPE, 0 SIGPIPE",
     [](Session& session, const Writer& writer, const Ends& ends) {
       const SignalCounter signals(session, SIGPIPE);
       session.call(session.libc.shutdown, ends.writer, SHUT_WR);
       transmit(session, writer, ends.writer, "hello", MSG_NOSIGNAL);
       session.note(std::to_string(signals.count()) + " SIGPIPE");
     }},
    {"MoreIsAHint", kTcpChannel, "5, 5, took helloworld",
     [](Session& session, const Writer& writer, const Ends& ends) {
       transmit(session, writer, ends.writer, "hello", MSG_MORE);
       transmit(session, writer, ends.writer, "world");
       session.note("took " + take(session, ends.reader, 10));
     }},
    {"OutOfBandOfADatagram", kDatagramChannel | kUdpChannel, "-1 EOPNOTSUPP",
     [](Session& session, const Writer& writer, const Ends& ends) {
       transmit(session, writer, ends.writer, "hello", MSG_OOB);
     }},
};

std::vector<ParityCase> all_cases() {
  std::vector<ParityCase> cases;
  for (const Writer& writer : kWriters) {
    for (const auto& each : kSituations) add_cases(cases, writer, each, make_buffer_small);
    if (!writer.has_flags) continue;
    for (const auto& each : kSituationsWithFlags) add_cases(cases, writer, each, make_buffer_small);
  }
  for (const Writer& writer : kWriters) {
    cases.push_back({std::string(writer.name) + "_BadDescriptors",
                     "-1 EBADF, -1 EBADF, -1 EBADF, -1 EBADF", [&writer](Session& session) {
                       const Ends ends = unix_stream_ends(session);
                       session.close(ends.writer);
                       for (const int bad : {-1, ends.writer, 19'500, 2147483647}) {
                         transmit(session, writer, bad, "hello");
                       }
                     }});
    if (!writer.has_flags) continue;
    cases.push_back(
        {std::string(writer.name) + "_OnAPipe", "-1 ENOTSOCK", [&writer](Session& session) {
           transmit(session, writer, pipe_ends(session).writer, "hello");
         }});
  }
  return cases;
}

class WriteParity : public testing::TestWithParam<ParityCase> {};

TEST_P(WriteParity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Channels, WriteParity, testing::ValuesIn(all_cases()),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

}  // namespace
}  // namespace colibri::test
