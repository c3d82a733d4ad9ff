// connect gives what libc gives.
#include <gtest/gtest.h>

#include "test/support/channels.h"

namespace colibri::test {
namespace {

int stream_socket(Session& session, int flags = 0) {
  return session.own(session.libc.socket(AF_INET, SOCK_STREAM | flags, 0));
}

void connect_to(Session& session, int socket, const sockaddr_in& address) {
  session.call(session.libc.connect, socket, generic(address), socklen_t{sizeof address});
}

int socket_error(Session& session, int socket) {
  int error = -1;
  socklen_t size = sizeof error;
  session.libc.getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

void poll_for(Session& session, int descriptor, short events) {
  pollfd query{descriptor, events, 0};
  session.call(session.libc.poll, &query, nfds_t{1}, -1);
}

int unix_listener(Session& session, const sockaddr_un& address, int backlog) {
  const int socket = session.own(session.libc.socket(AF_UNIX, SOCK_STREAM, 0));
  EXPECT_EQ(bind(socket, generic(address), sizeof address), 0);
  EXPECT_EQ(session.libc.listen(socket, backlog), 0);
  return socket;
}

int unix_connect(Session& session, int socket, const sockaddr_un& address) {
  return session.libc.connect(socket, generic(address), sizeof address);
}

const ParityCase kConnectCases[] = {
    {"Succeeds", "0, -1 EISCONN",
     [](Session& session) {
       const int listening = listener(session);
       const int socket = stream_socket(session);
       connect_to(session, socket, address_of(listening));
       connect_to(session, socket, address_of(listening));
     }},
    {"Refused", "-1 ECONNREFUSED, error 0",
     [](Session& session) {
       const int socket = stream_socket(session);
       connect_to(session, socket, refusing_address(session));
       session.note("error " + std::to_string(socket_error(session, socket)));
     }},
    {"RefusedAndTriedAgain", "-1 ECONNREFUSED, 0",
     [](Session& session) {
       const int socket = stream_socket(session);
       connect_to(session, socket, refusing_address(session));
       connect_to(session, socket, address_of(listener(session)));
     }},
    {"BadDescriptors", "-1 EBADF, -1 EBADF, -1 ENOTSOCK",
     [](Session& session) {
       const sockaddr_in address = address_of(listener(session));
       connect_to(session, -1, address);
       connect_to(session, 19'500, address);
       connect_to(session, pipe_ends(session).reader, address);
     }},
    {"BadAddresses", "-1 EFAULT, -1 EINVAL, -1 EAFNOSUPPORT",
     [](Session& session) {
       const int socket = stream_socket(session);
       sockaddr_in address = address_of(listener(session));
       session.call(session.libc.connect, socket, bad_pointer<const sockaddr>(),
                    socklen_t{sizeof address});
       session.call(session.libc.connect, socket, generic(address), socklen_t{1});
       address.sin_family = AF_UNIX;
       connect_to(session, socket, address);
     }},
    {"NonBlocking", "-1 EINPROGRESS, 1, error 0, 0, -1 EISCONN",
     [](Session& session) {
       const int listening = listener(session);
       const int socket = stream_socket(session, SOCK_NONBLOCK);
       connect_to(session, socket, address_of(listening));
       poll_for(session, socket, POLLOUT);
       session.note("error " + std::to_string(socket_error(session, socket)));
       connect_to(session, socket, address_of(listening));  // the second one fetches the outcome
       connect_to(session, socket, address_of(listening));
     }},
    {"NonBlockingRefused", "-1 EINPROGRESS, 1, error 111, error 0",
     [](Session& session) {
       const int socket = stream_socket(session, SOCK_NONBLOCK);
       connect_to(session, socket, refusing_address(session));
       poll_for(session, socket, POLLOUT);
       session.note("error " + std::to_string(socket_error(session, socket)));
       session.note("error " + std::to_string(socket_error(session, socket)));
     }},
    // As hiredis does it.
    {"NonBlockingThenBlockingAgain", "-1 EINPROGRESS, 1, error 0, took hello",
     [](Session& session) {
       const int listening = listener(session);
       const int socket = stream_socket(session);
       set_nonblocking(session, socket);
       connect_to(session, socket, address_of(listening));
       poll_for(session, socket, POLLOUT);
       session.note("error " + std::to_string(socket_error(session, socket)));
       set_nonblocking(session, socket, false);
       const int peer = session.own(session.libc.accept(listening, nullptr, nullptr));
       session.meanwhile([=, &session] { put(session, peer, "hello"); });
       session.note("took " + take(session, socket, 5));
     }},
    {"InFlight", "-1 EINPROGRESS, -1 EALREADY",
     [](Session& session) {
       const int listening = listener(session, 0);
       connected_to(session, listening);
       const int socket = stream_socket(session, SOCK_NONBLOCK);
       connect_to(session, socket, address_of(listening));
       connect_to(session, socket, address_of(listening));
     }},
    {"TimeOut", "-1 EINPROGRESS",
     [](Session& session) {
       const int listening = listener(session, 0);
       connected_to(session, listening);  // the backlog is full: nobody answers the next one
       const int socket = stream_socket(session);
       set_timeout(session, socket, SO_SNDTIMEO, 10'000);
       connect_to(session, socket, address_of(listening));
     }},
    {"OfADatagramSocketNeverWaits", "0, 5",
     [](Session& session) {
       const Ends ends = udp_ends(session);
       connect_to(session, ends.writer, address_of(ends.reader));
       session.call(session.libc.send, ends.writer, static_cast<const void*>("hello"), size_t{5},
                    0);
     }},
    {"DatagramToAClosedPort", "5, -1 ECONNREFUSED",
     [](Session& session) {
       const Ends ends = udp_ends(session);
       session.close(ends.reader);
       session.call(session.libc.send, ends.writer, static_cast<const void*>("hello"), size_t{5},
                    0);
       char byte;
       session.call(session.libc.recv, ends.writer, static_cast<void*>(&byte), size_t{1}, 0);
     }},
    {"ToAUnixName", "0, -1 ECONNREFUSED, -1 EISCONN",
     [](Session& session) {
       const sockaddr_un address = unix_address();
       unix_listener(session, address, 5);
       const int socket = session.own(session.libc.socket(AF_UNIX, SOCK_STREAM, 0));
       session.measure([&] { return unix_connect(session, socket, address); });
       const int other = session.own(session.libc.socket(AF_UNIX, SOCK_STREAM, 0));
       session.measure([&] { return unix_connect(session, other, unix_address()); });
       session.measure([&] { return unix_connect(session, socket, address); });
     }},
    {"WaitsForRoomInAUnixBacklog", "0, 0",
     [](Session& session) {
       const sockaddr_un address = unix_address();
       const int listening = unix_listener(session, address, 0);
       const int first = session.own(session.libc.socket(AF_UNIX, SOCK_STREAM, 0));
       session.measure([&] { return unix_connect(session, first, address); });
       session.meanwhile(
           [=, &session] { session.own(session.libc.accept(listening, nullptr, nullptr)); });
       const int second = session.own(session.libc.socket(AF_UNIX, SOCK_STREAM, 0));
       session.measure([&] { return unix_connect(session, second, address); });
     }},
    {"TimeOutOnAUnixBacklog", "0, -1 EAGAIN",
     [](Session& session) {
       const sockaddr_un address = unix_address();
       unix_listener(session, address, 0);
       const int first = session.own(session.libc.socket(AF_UNIX, SOCK_STREAM, 0));
       session.measure([&] { return unix_connect(session, first, address); });
       const int second = session.own(session.libc.socket(AF_UNIX, SOCK_STREAM, 0));
       set_timeout(session, second, SO_SNDTIMEO, 10'000);
       session.measure([&] { return unix_connect(session, second, address); });
     }},
};

class ConnectParity : public testing::TestWithParam<ParityCase> {};

TEST_P(ConnectParity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Connect, ConnectParity, testing::ValuesIn(kConnectCases),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

}  // namespace
}  // namespace colibri::test
