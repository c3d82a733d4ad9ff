// Messages: addresses, ancillary data, flags of recvmsg, and what bad headers get, as in libc.
#include <gtest/gtest.h>
#include <string.h>

#include "test/support/ancillary.h"
#include "test/support/channels.h"
#include "test/support/child_process.h"
#include "test/support/transfers.h"

namespace colibri::test {
namespace {

/// recvmsg with room for `size` bytes and ancillary data; notes data, message flags and what came
/// along.
void receive_message(Session& session, int socket, std::size_t size, int flags = 0) {
  IncomingMessage message(size);
  const ssize_t count = session.call(session.libc.recvmsg, socket, &message.header, flags);
  if (count > 0) session.append(message.text(count));
  if ((message.header.msg_flags & MSG_TRUNC) != 0) session.append("cut");
  if ((message.header.msg_flags & MSG_EOR) != 0) session.append("record");
  if ((message.header.msg_flags & MSG_CTRUNC) != 0) session.append("control cut");
  if (const int descriptor = message.descriptor(); descriptor >= 0) {
    session.own(descriptor);
    session.append("descriptor");
    session.append((session.libc.fcntl(descriptor, F_GETFD) & FD_CLOEXEC) != 0 ? "close-on-exec"
                                                                               : "inherited");
  }
  if (message.sender() != 0) session.append(message.sender() == getpid() ? "from me" : "?");
}

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

const ParityCase kAncillary[] = {
    {"DescriptorOverAStream", "5 hello descriptor inherited",
     [](Session& session) {
       const Ends ends = unix_stream_ends(session);
       const Ends passed = pipe_ends(session);
       session.meanwhile([&] { send_descriptor(session, ends.writer, "hello", passed.reader); });
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
       session.meanwhile_in_one_go([&] {
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
       session.meanwhile_in_one_go([&] {
         send_descriptor(session, ends.writer, "hello", ends.writer);
         send_descriptor(session, ends.writer, "world", ends.writer);
       });
       receive_message(session, ends.reader, 10, MSG_WAITALL);
       receive_message(session, ends.reader, 10, MSG_WAITALL);
     }},
    {"WaitAllTakesADescriptorOfALaterPart", "10 helloworld descriptor inherited",
     [](Session& session) {
       const Ends ends = unix_stream_ends(session);
       session.meanwhile([&] {
         put(session, ends.writer, "hello");
         session.until_waiting();
         send_descriptor(session, ends.writer, "world", ends.writer);
       });
       receive_message(session, ends.reader, 10, MSG_WAITALL);
     }},
    // Credentials come with every part, and do not end the call.
    {"WaitAllWithCredentials", "10 helloworld from me",
     [](Session& session) {
       const Ends ends = unix_stream_ends(session);
       set_option(session, ends.reader, SOL_SOCKET, SO_PASSCRED, 1);
       session.meanwhile([&] {
         put(session, ends.writer, "hello");
         session.until_waiting();
         put(session, ends.writer, "world");
       });
       receive_message(session, ends.reader, 10, MSG_WAITALL);
     }},
    {"WaitAllTakesCredentialsAndADescriptorOfALaterPart",
     "10 helloworld descriptor inherited from me",
     [](Session& session) {
       const Ends ends = unix_stream_ends(session);
       set_option(session, ends.reader, SOL_SOCKET, SO_PASSCRED, 1);
       session.meanwhile([&] {
         put(session, ends.writer, "hello");
         session.until_waiting();
         send_descriptor(session, ends.writer, "world", ends.writer);
       });
       receive_message(session, ends.reader, 10, MSG_WAITALL);
     }},
    {"WaitAllWithCredentialsStopsBehindADescriptor",
     "5 hello descriptor inherited from me, 5 world from me",
     [](Session& session) {
       const Ends ends = unix_stream_ends(session);
       set_option(session, ends.reader, SOL_SOCKET, SO_PASSCRED, 1);
       session.meanwhile_in_one_go([&] {
         send_descriptor(session, ends.writer, "hello", ends.writer);
         put(session, ends.writer, "world");
       });
       receive_message(session, ends.reader, 10, MSG_WAITALL);
       receive_message(session, ends.reader, 5, MSG_WAITALL);
     }},
    {"WaitAllWithCredentialsMeetsTheEnd", "5 hello from me",
     [](Session& session) {
       const Ends ends = unix_stream_ends(session);
       set_option(session, ends.reader, SOL_SOCKET, SO_PASSCRED, 1);
       session.meanwhile([&] {
         put(session, ends.writer, "hello");
         session.until_waiting();
         session.close(ends.writer);
       });
       receive_message(session, ends.reader, 10, MSG_WAITALL);
     }},
    {"WaitAllWithCredentialsStopsBeforeAnotherSender", "5 hello from me, 5 world ?",
     [](Session& session) {
       const Ends ends = unix_stream_ends(session);
       set_option(session, ends.reader, SOL_SOCKET, SO_PASSCRED, 1);
       session.meanwhile([&] {
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
         session.meanwhile_in_one_go([&] {
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
       session.meanwhile([&] { send_descriptor(session, ends.writer, "hello", passed.reader); });
       IncomingMessage message(100);
       const ssize_t count = session.call(session.libc.recvmsg, ends.reader, &message.header, 0);
       session.append(message.text(count) + " descriptor inherited");
       const int received = session.own(message.descriptor());
       session.meanwhile([&] { put(session, passed.writer, "again"); });
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
       session.meanwhile([&] { put(session, ends.writer, "hello"); });
       receive_message(session, ends.reader, 100);
     }},
};

const ParityCase kHeaders[] = {
    {"MessageFlagsOfACutDatagram", "3 hel cut, 5 again",
     [](Session& session) {
       const Ends ends = datagram_ends(session);
       session.meanwhile([&] {
         put(session, ends.writer, "hello");
         put(session, ends.writer, "again");
       });
       receive_message(session, ends.reader, 3);
       receive_message(session, ends.reader, 100);
     }},
    {"NoBuffersTakeAMessage", "0 cut, 5 again",
     [](Session& session) {
       const Ends ends = datagram_ends(session);
       session.meanwhile([&] {
         put(session, ends.writer, "hello");
         put(session, ends.writer, "again");
       });
       receive_message(session, ends.reader, 0);
       receive_message(session, ends.reader, 100);
     }},
    {"BadHeaders", "-1 EFAULT, -1 EFAULT, -1 EMSGSIZE, -1 EMSGSIZE, -1 EFAULT, -1 EFAULT",
     [](Session& session) {
       const Ends ends = unix_stream_ends(session);
       put(session, ends.writer, "hello");
       msghdr* const none = nullptr;
       session.call(session.libc.recvmsg, ends.reader, none, 0);
       session.call(session.libc.sendmsg, ends.writer, static_cast<const msghdr*>(none), 0);
       msghdr message{};
       iovec piece{};
       message.msg_iov = &piece;
       message.msg_iovlen = 4711;
       session.call(session.libc.recvmsg, ends.reader, &message, 0);
       session.call(session.libc.sendmsg, ends.writer, static_cast<const msghdr*>(&message), 0);
       message.msg_iov = nullptr;
       message.msg_iovlen = 1;
       session.call(session.libc.recvmsg, ends.reader, &message, 0);
       session.call(session.libc.sendmsg, ends.writer, static_cast<const msghdr*>(&message), 0);
     }},
    {"BadVectors",
     "-1 EINVAL, -1 EINVAL, -1 EFAULT, -1 EINVAL, -1 EINVAL, -1 EFAULT, 0, 0, -1 EINVAL",
     [](Session& session) {
       const Ends ends = unix_stream_ends(session);
       put(session, ends.writer, "hello");
       const iovec* const none = nullptr;
       const iovec piece{};
       session.call(session.libc.readv, ends.reader, &piece, -1);
       session.call(session.libc.readv, ends.reader, &piece, 4711);
       session.call(session.libc.readv, ends.reader, none, 1);
       session.call(session.libc.writev, ends.writer, &piece, -1);
       session.call(session.libc.writev, ends.writer, &piece, 4711);
       session.call(session.libc.writev, ends.writer, none, 1);
       session.call(session.libc.readv, ends.reader, none, 0);
       session.call(session.libc.writev, ends.writer, none, 0);
       char byte;
       const iovec too_long[] = {{&byte, std::size_t{1} << 62}, {&byte, std::size_t{1} << 63}};
       session.call(session.libc.readv, ends.reader, too_long, 2);
     }},
    {"VectorsWithEmptyPieces", "5, 5 hello",
     [](Session& session) {
       const Ends ends = pipe_ends(session);
       char text[] = "hello";
       const iovec out[] = {{nullptr, 0}, {text, 2}, {nullptr, 0}, {text + 2, 3}, {nullptr, 0}};
       session.call(session.libc.writev, ends.writer, out, 5);
       char bytes[6] = {};
       const iovec in[] = {{nullptr, 0}, {bytes, 1}, {nullptr, 0}, {bytes + 1, 4}};
       session.call(session.libc.readv, ends.reader, in, 4);
       session.append(bytes);
     }},
};

const ParityCase kAddresses[] = {
    {"Datagrams", "5, 5 hello, from the sender, -1 EDESTADDRREQ",
     [](Session& session) {
       const int a = session.own(session.libc.socket(AF_INET, SOCK_DGRAM, 0));
       const int b = udp_socket(session);
       const sockaddr_in to = address_of(b);
       session.call(session.libc.sendto, a, static_cast<const void*>("hello"), size_t{5}, 0,
                    generic(to), socklen_t{sizeof to});
       sockaddr_in from{};
       socklen_t size = sizeof from;
       char bytes[6] = {};
       session.call(session.libc.recvfrom, b, static_cast<void*>(bytes), size_t{5}, 0,
                    reinterpret_cast<sockaddr*>(&from), &size);
       session.append(bytes);
       session.note_if(from.sin_port == address_of(a).sin_port, "from the sender");
       session.call(session.libc.send, a, static_cast<const void*>("x"), size_t{1}, 0);
     }},
    {"WaitsForADatagramAndItsSender", "5 hello, from the sender",
     [](Session& session) {
       const Ends ends = udp_ends(session);
       session.meanwhile([&] { put(session, ends.writer, "hello"); });
       sockaddr_in from{};
       socklen_t size = sizeof from;
       char bytes[6] = {};
       session.call(session.libc.recvfrom, ends.reader, static_cast<void*>(bytes), size_t{5}, 0,
                    reinterpret_cast<sockaddr*>(&from), &size);
       session.append(bytes);
       session.note_if(from.sin_port == address_of(ends.writer).sin_port, "from the sender");
     }},
    {"StreamsNameNobody", "5 hello, size 0",
     [](Session& session) {
       const Ends ends = tcp_ends(session);
       session.meanwhile([&] { put(session, ends.writer, "hello"); });
       sockaddr_in from{};
       socklen_t size = sizeof from;
       char bytes[6] = {};
       session.call(session.libc.recvfrom, ends.reader, static_cast<void*>(bytes), size_t{5},
                    int{MSG_WAITALL}, reinterpret_cast<sockaddr*>(&from), &size);
       session.append(bytes);
       session.note("size " + std::to_string(size));
     }},
    {"AddressOnAConnectedStream", "-1 EISCONN",
     [](Session& session) {
       const Ends ends = unix_stream_ends(session);
       const sockaddr_in to = address_of(tcp_ends(session).reader);
       session.call(session.libc.sendto, ends.writer, static_cast<const void*>("x"), size_t{1}, 0,
                    generic(to), socklen_t{sizeof to});
     }},
    {"WaitsForRoomAtTheReceiver", "1, 1",
     [](Session& session) {
       sockaddr_un to = unix_address();
       const int receiver = full_receiver(session, to);
       const int socket = session.own(session.libc.socket(AF_UNIX, SOCK_DGRAM, 0));
       const auto take_one = [&] {
         char byte;
         EXPECT_EQ(real::recv(receiver, &byte, 1, MSG_DONTWAIT), 1);
       };
       session.meanwhile(take_one);
       session.call(session.libc.sendto, socket, static_cast<const void*>("x"), size_t{1}, 0,
                    generic(to), socklen_t{sizeof to});
       session.finish_helpers();
       session.meanwhile(take_one);
       msghdr message{};
       message.msg_name = &to;
       message.msg_namelen = sizeof to;
       iovec piece{const_cast<char*>("y"), 1};
       message.msg_iov = &piece;
       message.msg_iovlen = 1;
       session.call(session.libc.sendmsg, socket, &message, 0);
     }},
    {"TimeOutAtAFullReceiver", "-1 EAGAIN",
     [](Session& session) {
       const sockaddr_un to = unix_address();
       full_receiver(session, to);
       const int socket = session.own(session.libc.socket(AF_UNIX, SOCK_DGRAM, 0));
       set_timeout(session, socket, SO_SNDTIMEO, 5'000);
       session.call(session.libc.sendto, socket, static_cast<const void*>("x"), size_t{1}, 0,
                    generic(to), socklen_t{sizeof to});
     }},
    {"TheReceiverGoesAway", "-1 ECONNREFUSED",
     [](Session& session) {
       const sockaddr_un to = unix_address();
       const int receiver = full_receiver(session, to);
       const int socket = session.own(session.libc.socket(AF_UNIX, SOCK_DGRAM, 0));
       session.meanwhile([&] { session.close(receiver); });
       session.call(session.libc.sendto, socket, static_cast<const void*>("x"), size_t{1}, 0,
                    generic(to), socklen_t{sizeof to});
     }},
    {"BadAddress", "-1 EFAULT, -1 EINVAL",
     [](Session& session) {
       const Ends ends = udp_ends(session);
       session.call(session.libc.sendto, ends.writer, static_cast<const void*>("x"), size_t{1}, 0,
                    bad_pointer<const sockaddr>(), socklen_t{16});
       const sockaddr_in to = address_of(ends.reader);
       session.call(session.libc.sendto, ends.writer, static_cast<const void*>("x"), size_t{1}, 0,
                    generic(to), socklen_t{1});
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
                         session.meanwhile_in_one_go([&] {
                           send_descriptor(session, ends.writer, "hello", ends.writer);
                           send_descriptor(session, ends.writer, "world", ends.writer);
                         });
                         receive(session, reader, ends.reader, 10, flags);
                         receive(session, reader, ends.reader, 10, flags);
                         session.meanwhile([&] {
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

class MessageParity : public testing::TestWithParam<ParityCase> {};

TEST_P(MessageParity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

using Info = testing::TestParamInfo<ParityCase>;
INSTANTIATE_TEST_SUITE_P(Ancillary, MessageParity, testing::ValuesIn(kAncillary),
                         name_of_case<Info>);
INSTANTIATE_TEST_SUITE_P(DescriptorsPartTheStream, MessageParity, testing::ValuesIn(part_cases()),
                         name_of_case<Info>);
INSTANTIATE_TEST_SUITE_P(Headers, MessageParity, testing::ValuesIn(kHeaders), name_of_case<Info>);
INSTANTIATE_TEST_SUITE_P(Addresses, MessageParity, testing::ValuesIn(kAddresses),
                         name_of_case<Info>);

}  // namespace
}  // namespace colibri::test
