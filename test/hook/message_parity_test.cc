// Messages: addresses, flags of recvmsg, and what bad headers get, as in libc.
#include <gtest/gtest.h>
#include <string.h>

#include <vector>

#include "test/support/ancillary.h"
#include "test/support/channels.h"
#include "test/support/scale.h"
#include "test/support/transfers.h"

namespace colibri::test {
namespace {

const ParityCase kHeaders[] = {
    {"MessageFlagsOfACutDatagram", "3 hel cut, 5 again",
     [](Session& session) {
       const Ends ends = datagram_ends(session);
       session.meanwhile([=, &session] {
         put(session, ends.writer, "hello");
         put(session, ends.writer, "again");
       });
       receive_message(session, ends.reader, 3);
       receive_message(session, ends.reader, 100);
     }},
    {"ShuttingDownEndsReadsOfMessages", "0, 0, 0, 0",
     [](Session& session) {
       for (const auto& open : {datagram_ends, udp_ends}) {
         const int socket = open(session).reader;
         const sockaddr_in peer = address_of(listener(session));
         if (open == udp_ends) session.libc.connect(socket, generic(peer), sizeof peer);
         session.meanwhile([&session, socket] { session.libc.shutdown(socket, SHUT_RD); });
         char byte;
         for (int i = 0; i < 2; ++i) {
           session.call(session.libc.read, socket, static_cast<void*>(&byte), 1);
         }
         session.finish_helpers();
       }
     }},
    {"NoBuffersTakeAMessage", "0 cut, 5 again",
     [](Session& session) {
       const Ends ends = datagram_ends(session);
       session.meanwhile([=, &session] {
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
       std::vector<iovec> too_many(4711);
       message.msg_iov = too_many.data();
       message.msg_iovlen = too_many.size();
       session.call(session.libc.recvmsg, ends.reader, &message, 0);
       session.call(session.libc.sendmsg, ends.writer, static_cast<const msghdr*>(&message), 0);
       message.msg_iov = nullptr;
       message.msg_iovlen = 1;
       session.call(session.libc.recvmsg, ends.reader, &message, 0);
       session.call(session.libc.sendmsg, ends.writer, static_cast<const msghdr*>(&message), 0);
     }},
    {"BadVectors", "-1 EINVAL, -1 EINVAL, -1 EFAULT, -1 EINVAL, -1 EINVAL, -1 EFAULT, 0, 0",
     [](Session& session) {
       const Ends ends = unix_stream_ends(session);
       put(session, ends.writer, "hello");
       const iovec* const none = nullptr;
       const std::vector<iovec> pieces(4711);
       session.call(session.libc.readv, ends.reader, pieces.data(), -1);
       session.call(session.libc.readv, ends.reader, pieces.data(), 4711);
       session.call(session.libc.readv, ends.reader, none, 1);
       session.call(session.libc.writev, ends.writer, pieces.data(), -1);
       session.call(session.libc.writev, ends.writer, pieces.data(), 4711);
       session.call(session.libc.writev, ends.writer, none, 1);
       session.call(session.libc.readv, ends.reader, none, 0);
       session.call(session.libc.writev, ends.writer, none, 0);
     }},
    {"VectorsThatAreTooLong", "-1 EINVAL",
     [](Session& session) {
       const Ends ends = unix_stream_ends(session);
       put(session, ends.writer, "hello");
       char byte;
       const iovec too_long[] = {{&byte, std::size_t{1} << 62}, {&byte, std::size_t{1} << 63}};
       session.call(session.libc.readv, ends.reader, too_long, 2);
     },
     [] { return in_valgrind() ? "Valgrind misses the bytes that are not there" : nullptr; }},
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
       session.meanwhile([=, &session] { put(session, ends.writer, "hello"); });
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
       session.meanwhile([=, &session] { put(session, ends.writer, "hello"); });
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
       const auto take_one = [receiver] {
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
       session.meanwhile([=, &session] { session.close(receiver); });
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

class MessageParity : public testing::TestWithParam<ParityCase> {};

TEST_P(MessageParity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

using Info = testing::TestParamInfo<ParityCase>;
INSTANTIATE_TEST_SUITE_P(Headers, MessageParity, testing::ValuesIn(kHeaders), name_of_case<Info>);
INSTANTIATE_TEST_SUITE_P(Addresses, MessageParity, testing::ValuesIn(kAddresses),
                         name_of_case<Info>);

}  // namespace
}  // namespace colibri::test
