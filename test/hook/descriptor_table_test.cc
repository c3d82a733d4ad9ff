// What the hooks believe of descriptors.
#include "colibri/hook/descriptor_table.h"

#include <gtest/gtest.h>

#include "test/support/channels.h"
#include "test/support/leak_check.h"

namespace colibri::test {
namespace {

class DescriptorTable : public testing::Test {
 protected:
  static DescriptorKind kind_of(int descriptor) {
    const Descriptor* entry = descriptor_table::look_up(descriptor);
    return entry == nullptr ? DescriptorKind::kUnknown : entry->kind.load();
  }
  static std::int64_t receive_timeout_of(int descriptor) {
    return descriptor_table::find(descriptor)->receive_timeout;
  }

  LeakCheck leaks_;
  Session session_{Way::kHookInThread};
};

TEST_F(DescriptorTable, TellsKindsApart) {
  EXPECT_EQ(kind_of(tcp_ends(session_).reader), DescriptorKind::kTcp);
  EXPECT_EQ(kind_of(listener(session_)), DescriptorKind::kTcp);
  EXPECT_EQ(kind_of(unix_stream_ends(session_).reader), DescriptorKind::kStreamSocket);
  EXPECT_EQ(kind_of(udp_ends(session_).reader), DescriptorKind::kMessageSocket);
  EXPECT_EQ(kind_of(datagram_ends(session_).reader), DescriptorKind::kMessageSocket);
  EXPECT_EQ(kind_of(seqpacket_ends(session_).reader), DescriptorKind::kMessageSocket);
  EXPECT_EQ(kind_of(pipe_ends(session_).reader), DescriptorKind::kPipe);
  EXPECT_EQ(kind_of(terminal_ends(session_).reader), DescriptorKind::kPollable);
  EXPECT_EQ(kind_of(session_.own(::open("/proc/self/exe", O_RDONLY))), DescriptorKind::kFile);
}

TEST_F(DescriptorTable, LearnsWhatWasBornElsewhere) {
  const int socket = unknown_ends(session_, SOCK_SEQPACKET | SOCK_NONBLOCK).reader;
  EXPECT_EQ(descriptor_table::find(socket), nullptr);
  EXPECT_EQ(kind_of(socket), DescriptorKind::kMessageSocket);
  EXPECT_TRUE(descriptor_table::find(socket)->user_nonblocking);
}

TEST_F(DescriptorTable, KnowsNothingOfWhatIsNotOpen) {
  EXPECT_EQ(descriptor_table::look_up(-1), nullptr);
  EXPECT_EQ(descriptor_table::look_up(2'000'000'000), nullptr);
  const int number = pipe_ends(session_).reader;
  session_.close(number);
  EXPECT_EQ(descriptor_table::find(number), nullptr);
  EXPECT_EQ(descriptor_table::look_up(number), nullptr);
}

// A rival cuts time-outs at 65 seconds.
TEST_F(DescriptorTable, KeepsLongTimeOuts) {
  const int socket = tcp_ends(session_).reader;
  set_timeout(session_, socket, SO_RCVTIMEO, 70'000'000);
  EXPECT_EQ(receive_timeout_of(socket), 70'000'000'000);
  set_timeout(session_, socket, SO_RCVTIMEO, 0);
  EXPECT_EQ(receive_timeout_of(socket), 0);
}

TEST_F(DescriptorTable, KeepsCopiesInStepUntilTheyAreClosed) {
  const int first = tcp_ends(session_).reader;
  const int second = session_.own(dup(first));
  const int third = session_.own(dup(second));
  set_timeout(session_, second, SO_RCVTIMEO, 1'000'000);
  for (const int each : {first, second, third}) EXPECT_EQ(receive_timeout_of(each), 1'000'000'000);
  session_.close(second);
  set_timeout(session_, first, SO_RCVTIMEO, 2'000'000);
  EXPECT_EQ(receive_timeout_of(third), 2'000'000'000);
  // The number in the middle means something else now.
  const int other = session_.own(fcntl(pipe_ends(session_).reader, F_DUPFD, second));
  set_nonblocking(session_, other);
  EXPECT_FALSE(descriptor_table::find(first)->user_nonblocking);
  EXPECT_FALSE(descriptor_table::find(third)->user_nonblocking);
}

}  // namespace
}  // namespace colibri::test
