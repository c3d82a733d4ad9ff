// Pointers that are not null and yet bad: EFAULT, as from libc, where a hook looks at what they
// point to.
#include <gtest/gtest.h>

#include "colibri/core/sanitizer.h"
#include "test/support/channels.h"
#include "test/support/signal_counter.h"
#include "test/support/transfers.h"

namespace colibri::test {
namespace {

/// Sanitizers look at what some pointers point to before libc is called.
constexpr bool kSanitizersLook = kAddressSanitizer || kThreadSanitizer;

void read_badly(Session& session, int descriptor) {
  session.call(session.libc.readv, descriptor, bad_pointer<const iovec>(), 1);
  session.call(session.libc.readv, descriptor, bad_pointer<const iovec>(), 2);
}

void write_badly(Session& session, int descriptor) {
  session.call(session.libc.writev, descriptor, bad_pointer<const iovec>(), 1);
  session.call(session.libc.writev, descriptor, bad_pointer<const iovec>(), 2);
}

void receive_badly(Session& session, int socket, int flags) {
  session.call(session.libc.recvmsg, socket, bad_pointer<msghdr>(), flags);
  msghdr message{};
  message.msg_iov = bad_pointer<iovec>();
  message.msg_iovlen = 2;
  session.call(session.libc.recvmsg, socket, &message, flags);
}

void send_badly(Session& session, int socket) {
  session.call(session.libc.sendmsg, socket, bad_pointer<const msghdr>(), 0);
  msghdr message{};
  message.msg_iov = bad_pointer<iovec>();
  message.msg_iovlen = 2;
  session.call(session.libc.sendmsg, socket, static_cast<const msghdr*>(&message), 0);
}

const std::string kTwice = "-1 EFAULT, -1 EFAULT";

void add_channel_cases(std::vector<ParityCase>& cases, const Channel& channel) {
  const std::string prefix = channel.name;
  cases.push_back({prefix + "_readv", kTwice, [&](Session& session) {
                     const Ends ends = channel.open(session);
                     put(session, ends.writer, "hello");
                     read_badly(session, ends.reader);
                   }});
  // The kernel looks at vectors and headers before it waits.
  cases.push_back({prefix + "_readv_of_nothing", kTwice,
                   [&](Session& session) { read_badly(session, channel.open(session).reader); }});
  cases.push_back({prefix + "_writev", kTwice,
                   [&](Session& session) { write_badly(session, channel.open(session).writer); }});
  if (channel.kind == kPipeChannel) return;
  for (const auto& [name, flags] : {std::pair("", 0), std::pair("_wait_all", int{MSG_WAITALL})}) {
    cases.push_back({prefix + "_recvmsg" + name, kTwice, [&, flags = flags](Session& session) {
                       receive_badly(session, channel.open(session).reader, flags);
                     }});
  }
  cases.push_back({prefix + "_sendmsg", kTwice,
                   [&](Session& session) { send_badly(session, channel.open(session).writer); }});
}

std::vector<ParityCase> channel_cases() {
  std::vector<ParityCase> cases;
  for (const Channel& channel : kChannels) add_channel_cases(cases, channel);
  cases.push_back({"Terminal_readv", kTwice,
                   [](Session& session) { read_badly(session, terminal_ends(session).reader); }});
  cases.push_back({"Terminal_writev", kTwice,
                   [](Session& session) { write_badly(session, terminal_ends(session).writer); }});
  cases.push_back({"SizeOfAnAddress", "-1 EFAULT", [](Session& session) {
                     if (kSanitizersLook) return session.note("-1 EFAULT");
                     const Ends ends = tcp_ends(session);
                     put(session, ends.writer, "hello");
                     char bytes[5];
                     sockaddr_in from;
                     session.call(session.libc.recvfrom, ends.reader, static_cast<void*>(bytes),
                                  sizeof bytes, int{MSG_WAITALL},
                                  reinterpret_cast<sockaddr*>(&from), bad_pointer<socklen_t>());
                   }});
  return cases;
}

const ParityCase kTimes[] = {
    {"nanosleep", kTwice,
     [](Session& session) {
       timespec* const none = nullptr;
       session.call(session.libc.nanosleep, bad_pointer<const timespec>(), none);
       session.call(session.libc.nanosleep, static_cast<const timespec*>(nullptr), none);
     }},
    {"clock_nanosleep", "EFAULT, EFAULT, EFAULT, EFAULT, EFAULT, EFAULT",
     [](Session& session) {
       for (const clockid_t clock : {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME}) {
         for (const int flags : {0, TIMER_ABSTIME}) {
           session.note(strerrorname_np(
               session.libc.clock_nanosleep(clock, flags, bad_pointer<const timespec>(), nullptr)));
         }
       }
     }},
    {"TimeThatIsLeft", "-1 EFAULT, EFAULT",
     [](Session& session) {
       const SignalCounter signals(session, SIGUSR1);
       const timespec time{100, 0};
       session.meanwhile([=, &session] { session.raise_there(SIGUSR1); });
       session.call(session.libc.nanosleep, &time, bad_pointer<timespec>());
       session.finish_helpers();
       session.meanwhile([=, &session] { session.raise_there(SIGUSR1); });
       session.note(strerrorname_np(
           session.libc.clock_nanosleep(CLOCK_BOOTTIME, 0, &time, bad_pointer<timespec>())));
     }},
    {"GoodOnesInTheHeap", "0, 0",
     [](Session& session) {
       const auto time = std::make_unique<timespec>(timespec{0, 1});
       session.call(session.libc.nanosleep, time.get(), static_cast<timespec*>(nullptr));
       session.note(
           std::to_string(session.libc.clock_nanosleep(CLOCK_MONOTONIC, 0, time.get(), nullptr)));
     }},
};

class BadPointerParity : public testing::TestWithParam<ParityCase> {};

TEST_P(BadPointerParity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

std::vector<ParityCase> time_cases() {
  if (kSanitizersLook) return {std::end(kTimes)[-1]};
  return {std::begin(kTimes), std::end(kTimes)};
}

using Info = testing::TestParamInfo<ParityCase>;
INSTANTIATE_TEST_SUITE_P(Channels, BadPointerParity, testing::ValuesIn(channel_cases()),
                         name_of_case<Info>);
INSTANTIATE_TEST_SUITE_P(Times, BadPointerParity, testing::ValuesIn(time_cases()),
                         name_of_case<Info>);

}  // namespace
}  // namespace colibri::test
