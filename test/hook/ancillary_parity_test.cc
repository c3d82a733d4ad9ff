// What comes beside the bytes of a Unix socket: descriptors and credentials, and what becomes of
// them where a call wants several messages, as in libc.
#include <gtest/gtest.h>

#include <functional>

#include "test/support/ancillary.h"
#include "test/support/channels.h"
#include "test/support/child_process.h"
#include "test/support/transfers.h"

namespace colibri::test {
namespace {

/// sendmsg of `text` with the right to `descriptor`.
void send_descriptor(Session& session, int socket, const std::string& text, int descriptor) {
  OutgoingDescriptor message(text, descriptor);
  ASSERT_EQ(session.libc.sendmsg(socket, &message.header, 0), static_cast<ssize_t>(text.size()));
}

/// Writes from a child, whose credentials are not this process's.
void put_from_another_process(int descriptor, const std::string& text) {
  const pid_t child = fork();
  if (child == 0) {
    _exit(real::write(descriptor, text.data(), text.size()) > 0 ? 0 : 1);
  }
  EXPECT_EQ(exit_status_of(child), 0);
}

/// recvmsg(MSG_WAITALL) with so much room for ancillary data; notes how much of it was used, and
/// whether it was cut.
void receive_with_room(Session& session, int socket, std::size_t size, std::size_t room) {
  IncomingMessage message(size);
  if (room == 0) message.header.msg_control = nullptr;
  message.header.msg_controllen = room;
  const ssize_t count =
      session.call(session.libc.recvmsg, socket, &message.header, int{MSG_WAITALL});
  if (count > 0) session.append(message.text(count));
  if ((message.header.msg_flags & MSG_CTRUNC) != 0) session.append("cut");
  session.append(std::to_string(message.header.msg_controllen));
}

/// recvmsg(MSG_WAITALL) of ten bytes, of which "hello" is sent at first; `send_second(writer)` is
/// called once the call waits for the rest.
void receive_in_two_parts(Session& session, bool credentials,
                          const std::function<void(int writer)>& send_second) {
  const Ends ends = unix_stream_ends(session);
  set_option(session, ends.reader, SOL_SOCKET, SO_PASSCRED, credentials ? 1 : 0);
  session.meanwhile([=, &session] {
    put(session, ends.writer, "hello");
    session.until_waiting();
    send_second(ends.writer);
  });
  receive_message(session, ends.reader, 10, MSG_WAITALL);
}

const ParityCase kAncillary[] = {
    {"DescriptorOverAStream", "5 hello descriptor inherited",
     [](Session& session) {
       const Ends ends = unix_stream_ends(session);
       const Ends passed = pipe_ends(session);
       session.meanwhile(
           [=, &session] { send_descriptor(session, ends.writer, "hello", passed.reader); });
       receive_message(session, ends.reader, 100);
     }},
    {"DescriptorIsClosedOnExecWhenAsked", "5 hello descriptor close-on-exec",
     [](Session& session) {
       const Ends ends = unix_stream_ends(session);
       send_descriptor(session, ends.writer, "hello", ends.writer);
       receive_message(session, ends.reader, 100, MSG_CMSG_CLOEXEC);
     }},
    // TRAPS 7: a short read with data left and no further edge.
    {"DescriptorsPartTheStream", "4 abcd descriptor inherited, 2 ef",
     [](Session& session) {
       const Ends ends = unix_stream_ends(session);
       session.meanwhile_in_one_go([=, &session] {
         put(session, ends.writer, "ab");
         send_descriptor(session, ends.writer, "cd", ends.writer);
         put(session, ends.writer, "ef");
       });
       for (int i = 0; i < 2; ++i) receive_message(session, ends.reader, 100);
     }},
    // The kernel stops behind each descriptor, whatever is asked for; going on would lose the next.
    {"WaitAllStopsBehindADescriptor", "5 hello descriptor inherited, 5 world descriptor inherited",
     [](Session& session) {
       const Ends ends = unix_stream_ends(session);
       session.meanwhile_in_one_go([=, &session] {
         send_descriptor(session, ends.writer, "hello", ends.writer);
         send_descriptor(session, ends.writer, "world", ends.writer);
       });
       receive_message(session, ends.reader, 10, MSG_WAITALL);
       receive_message(session, ends.reader, 10, MSG_WAITALL);
     }},
    {"WaitAllTakesADescriptorOfALaterPart", "10 helloworld descriptor inherited",
     [](Session& session) {
       receive_in_two_parts(session, false,
                            [&](int writer) { send_descriptor(session, writer, "world", writer); });
     }},
    // Credentials come with every part, and do not end the call.
    {"WaitAllWithCredentials", "10 helloworld from me",
     [](Session& session) {
       receive_in_two_parts(session, true, [&](int writer) { put(session, writer, "world"); });
     }},
    {"WaitAllTakesCredentialsAndADescriptorOfALaterPart",
     "10 helloworld descriptor inherited from me",
     [](Session& session) {
       receive_in_two_parts(session, true,
                            [&](int writer) { send_descriptor(session, writer, "world", writer); });
     }},
    {"WaitAllWithCredentialsStopsBehindADescriptor",
     "5 hello descriptor inherited from me, 5 world from me",
     [](Session& session) {
       const Ends ends = unix_stream_ends(session);
       set_option(session, ends.reader, SOL_SOCKET, SO_PASSCRED, 1);
       session.meanwhile_in_one_go([=, &session] {
         send_descriptor(session, ends.writer, "hello", ends.writer);
         put(session, ends.writer, "world");
       });
       receive_message(session, ends.reader, 10, MSG_WAITALL);
       receive_message(session, ends.reader, 5, MSG_WAITALL);
     }},
    {"WaitAllWithCredentialsMeetsTheEnd", "5 hello from me",
     [](Session& session) {
       receive_in_two_parts(session, true, [&](int writer) { session.close(writer); });
     }},
    {"WaitAllWithCredentialsStopsBeforeAnotherSender", "5 hello from me, 5 world ?",
     [](Session& session) {
       const Ends ends = unix_stream_ends(session);
       set_option(session, ends.reader, SOL_SOCKET, SO_PASSCRED, 1);
       session.meanwhile([=, &session] {
         put(session, ends.writer, "hello");
         session.until_waiting();
         put_from_another_process(ends.writer, "world");
       });
       receive_message(session, ends.reader, 10, MSG_WAITALL);
       receive_message(session, ends.reader, 5, MSG_WAITALL);
     }},
    // No room for a descriptor, or even for credentials: the call stops there all the same.
    {"WaitAllWithLittleRoom",
     "5 hello cut 0, 5 world 0, 5 hello cut 20, 5 world cut 20, 5 hello cut 32",
     [](Session& session) {
       for (const auto& [credentials, room] :
            {std::pair(0, 0), std::pair(1, 20), std::pair(1, 32)}) {
         const Ends ends = unix_stream_ends(session);
         set_option(session, ends.reader, SOL_SOCKET, SO_PASSCRED, credentials);
         session.meanwhile_in_one_go([=, &session] {
           send_descriptor(session, ends.writer, "hello", ends.writer);
           put(session, ends.writer, "world");
         });
         receive_with_room(session, ends.reader, 10, static_cast<std::size_t>(room));
         if (room < 32) receive_with_room(session, ends.reader, 5, static_cast<std::size_t>(room));
       }
     }},
    {"ReceivedDescriptorWorks", "5 hello descriptor inherited, 5 again",
     [](Session& session) {
       const Ends ends = seqpacket_ends(session);
       const Ends passed = tcp_ends(session);
       session.meanwhile(
           [=, &session] { send_descriptor(session, ends.writer, "hello", passed.reader); });
       IncomingMessage message(100);
       const ssize_t count = session.call(session.libc.recvmsg, ends.reader, &message.header, 0);
       session.append(message.text(count) + " descriptor inherited");
       const int received = session.own(message.descriptor());
       session.meanwhile([=, &session] { put(session, passed.writer, "again"); });
       receive(session, kReaders[0], received, 100);
     }},
    {"ReceivedNonBlockingDescriptorStaysSo", "-1 EAGAIN",
     [](Session& session) {
       const Ends ends = datagram_ends(session);
       const Ends passed = pipe_ends(session);
       set_nonblocking(session, passed.reader);
       send_descriptor(session, ends.writer, "x", passed.reader);
       IncomingMessage message(100);
       session.libc.recvmsg(ends.reader, &message.header, 0);
       receive(session, kReaders[0], session.own(message.descriptor()), 100);
     }},
    {"Credentials", "5 hello from me",
     [](Session& session) {
       const Ends ends = unix_stream_ends(session);
       set_option(session, ends.reader, SOL_SOCKET, SO_PASSCRED, 1);
       session.meanwhile([=, &session] { put(session, ends.writer, "hello"); });
       receive_message(session, ends.reader, 100);
     }},
};

/// Every call that takes bytes only, also where SO_RCVLOWAT makes it wait for them.
std::vector<ParityCase> part_cases() {
  std::vector<ParityCase> cases;
  for (const Reader& reader : kReaders) {
    for (const int credentials : {0, 1}) {
      const std::string suffix = credentials != 0 ? "_with_credentials" : "";
      const int flags = reader.has_flags ? MSG_WAITALL : 0;
      cases.push_back({reader.name + suffix, "5 hello, 5 world, 6 !again",
                       [&reader, credentials, flags](Session& session) {
                         const Ends ends = unix_stream_ends(session);
                         set_option(session, ends.reader, SOL_SOCKET, SO_PASSCRED, credentials);
                         set_option(session, ends.reader, SOL_SOCKET, SO_RCVLOWAT, 6);
                         session.meanwhile_in_one_go([=, &session] {
                           send_descriptor(session, ends.writer, "hello", ends.writer);
                           send_descriptor(session, ends.writer, "world", ends.writer);
                         });
                         receive(session, reader, ends.reader, 10, flags);
                         receive(session, reader, ends.reader, 10, flags);
                         session.meanwhile([=, &session] {
                           put(session, ends.writer, "!");
                           session.until_waiting();
                           put(session, ends.writer, "again");
                         });
                         receive(session, reader, ends.reader, 6, flags);
                       }});
    }
  }
  return cases;
}

constexpr int kPassPidfd = 76;  // SO_PASSPIDFD, which is younger than the headers

/// Where the kernel sends pidfds along.
std::vector<ParityCase> pidfd_cases() {
  const int probe = real::socket(AF_UNIX, SOCK_STREAM, 0);
  const int on = 1;
  const bool known = real::setsockopt(probe, SOL_SOCKET, kPassPidfd, &on, sizeof on) == 0;
  real::close(probe);
  if (!known) return {};
  return {{"OfOneSender", "10 helloworld pidfd",
           [](Session& session) {
             const Ends ends = unix_stream_ends(session);
             set_option(session, ends.reader, SOL_SOCKET, kPassPidfd, 1);
             session.meanwhile([=, &session] {
               put(session, ends.writer, "hello");
               session.until_waiting();
               put(session, ends.writer, "world");
             });
             receive_message(session, ends.reader, 10, MSG_WAITALL);
           }},
          {"OfTwoSenders", "5 hello pidfd, 5 world pidfd", [](Session& session) {
             const Ends ends = unix_stream_ends(session);
             set_option(session, ends.reader, SOL_SOCKET, kPassPidfd, 1);
             session.meanwhile([=, &session] {
               put(session, ends.writer, "hello");
               session.until_waiting();
               put_from_another_process(ends.writer, "world");
             });
             receive_message(session, ends.reader, 10, MSG_WAITALL);
             receive_message(session, ends.reader, 5, MSG_WAITALL);
           }}};
}

class AncillaryParity : public testing::TestWithParam<ParityCase> {};

TEST_P(AncillaryParity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

using Info = testing::TestParamInfo<ParityCase>;
INSTANTIATE_TEST_SUITE_P(Messages, AncillaryParity, testing::ValuesIn(kAncillary),
                         name_of_case<Info>);
INSTANTIATE_TEST_SUITE_P(Pidfds, AncillaryParity, testing::ValuesIn(pidfd_cases()),
                         name_of_case<Info>);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(AncillaryParity);
INSTANTIATE_TEST_SUITE_P(DescriptorsPartTheStream, AncillaryParity, testing::ValuesIn(part_cases()),
                         name_of_case<Info>);

}  // namespace
}  // namespace colibri::test
