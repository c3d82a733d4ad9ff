// accept and accept4 give what libc gives.
#include <gtest/gtest.h>

#include <memory>

#include "test/support/channels.h"

namespace colibri::test {
namespace {

/// Accepts, notes whether a connection came (its number does not matter) and owns it.
int accept_from(Session& session, int listening) {
  errno = 9999;
  const int socket = session.libc.accept(listening, nullptr, nullptr);
  session.note(socket >= 0 ? (errno == 9999 ? "accepted" : "accepted, errno changed")
                           : strerrorname_np(errno));
  if (socket >= 0) session.own(socket);
  return socket;
}

const ParityCase kAcceptCases[] = {
    {"ConnectionIsThere", "accepted",
     [](Session& session) {
       const int listening = listener(session);
       connected_to(session, listening);
       accept_from(session, listening);
     }},
    {"WaitsForConnections", "accepted, accepted, accepted",
     [](Session& session) {
       const int listening = listener(session);
       session.meanwhile([=, &session] {
         connected_to(session, listening);  // two at once give one edge: HOOKS, fact 2
         connected_to(session, listening);
         session.until_waiting();
         connected_to(session, listening);
       });
       for (int i = 0; i < 3; ++i) accept_from(session, listening);
     }},
    {"TimeOut", "EAGAIN, accepted",
     [](Session& session) {
       const int listening = listener(session);
       set_timeout(session, listening, SO_RCVTIMEO, 5'000);
       accept_from(session, listening);
       connected_to(session, listening);
       accept_from(session, listening);
     }},
    {"TimeOutIsInherited", "accepted, -1 EAGAIN, 0 and 5000",
     [](Session& session) {
       const int listening = listener(session);
       set_timeout(session, listening, SO_RCVTIMEO, 5'000);
       connected_to(session, listening);
       const int socket = accept_from(session, listening);
       char byte;
       session.call(session.libc.read, socket, static_cast<void*>(&byte), size_t{1});
       // The kernel counts in ticks.
       timeval time{};
       socklen_t size = sizeof time;
       session.call(session.libc.getsockopt, socket, SOL_SOCKET, SO_RCVTIMEO,
                    static_cast<void*>(&time), &size);
       session.append("and " + std::to_string(time.tv_usec / 1000 * 1000 > 3000 ? 5000 : 0));
     }},
    {"NonBlocking", "EAGAIN, accepted, blocking",
     [](Session& session) {
       const int listening = listener(session);
       set_nonblocking(session, listening);
       accept_from(session, listening);
       connected_to(session, listening);
       const int socket = accept_from(session, listening);
       session.note((session.libc.fcntl(socket, F_GETFL) & O_NONBLOCK) != 0 ? "non-blocking"
                                                                            : "blocking");
     }},
    {"FlagsAreThePrograms", "blocking, accepted, blocking, EAGAIN, non-blocking, blocking",
     [](Session& session) {
       const int listening = listener(session);
       const auto note_flag = [&] {
         session.note((session.libc.fcntl(listening, F_GETFL) & O_NONBLOCK) != 0 ? "non-blocking"
                                                                                 : "blocking");
       };
       note_flag();
       session.meanwhile([=, &session] { connected_to(session, listening); });
       accept_from(session, listening);
       note_flag();
       set_nonblocking(session, listening);
       accept_from(session, listening);
       note_flag();
       set_nonblocking(session, listening, false);
       note_flag();
     }},
    {"BlockingAgainWaitsAgain", "EAGAIN, accepted, accepted",
     [](Session& session) {
       const int listening = listener(session);
       set_nonblocking(session, listening);
       accept_from(session, listening);
       set_nonblocking(session, listening, false);
       session.meanwhile([=, &session] {
         connected_to(session, listening);
         session.until_waiting();
         int off = 0;
         session.libc.ioctl(listening, FIONBIO, &off);
         connected_to(session, listening);
       });
       accept_from(session, listening);
       accept_from(session, listening);
     }},
    {"Accept4Flags", "non-blocking, close-on-exec, -1 EINVAL",
     [](Session& session) {
       const int listening = listener(session);
       session.meanwhile([=, &session] { connected_to(session, listening); });
       const int socket = session.own(
           session.libc.accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
       session.note_if((session.libc.fcntl(socket, F_GETFL) & O_NONBLOCK) != 0, "non-blocking");
       session.note_if((session.libc.fcntl(socket, F_GETFD) & FD_CLOEXEC) != 0, "close-on-exec");
       session.call(session.libc.accept4, listening, static_cast<sockaddr*>(nullptr),
                    static_cast<socklen_t*>(nullptr), 0x40000);
     }},
    {"AcceptedNonBlockingSocketDoesNotWait", "-1 EAGAIN",
     [](Session& session) {
       const int listening = listener(session);
       connected_to(session, listening);
       const int socket =
           session.own(session.libc.accept4(listening, nullptr, nullptr, SOCK_NONBLOCK));
       char byte;
       session.call(session.libc.read, socket, static_cast<void*>(&byte), size_t{1});
     }},
    {"PeersAddress", "size 16, the same, cut to 16",
     [](Session& session) {
       const int listening = listener(session);
       sockaddr_in peer{};
       socklen_t size = sizeof peer;
       const auto connected = std::make_shared<int>(-1);
       session.meanwhile([=, &session] { *connected = connected_to(session, listening); });
       session.own(session.libc.accept(listening, reinterpret_cast<sockaddr*>(&peer), &size));
       session.finish_helpers();
       session.note("size " + std::to_string(size));
       session.note_if(peer.sin_port == address_of(*connected).sin_port, "the same");
       connected_to(session, listening);
       size = 4;
       session.own(session.libc.accept(listening, reinterpret_cast<sockaddr*>(&peer), &size));
       session.note("cut to " + std::to_string(size));
     }},
    {"BadDescriptors", "EBADF, EBADF, ENOTSOCK, EINVAL, EOPNOTSUPP",
     [](Session& session) {
       accept_from(session, -1);
       accept_from(session, 19'500);
       accept_from(session, pipe_ends(session).reader);
       accept_from(session, session.own(session.libc.socket(AF_INET, SOCK_STREAM, 0)));
       accept_from(session, udp_ends(session).reader);
     }},
    {"BadPointer", "-1 EFAULT",
     [](Session& session) {
       const int listening = listener(session);
       connected_to(session, listening);
       socklen_t size = sizeof(sockaddr_in);
       session.call(session.libc.accept, listening, bad_pointer<sockaddr>(), &size);
     }},
    {"ShutdownWakesIt", "EINVAL",
     [](Session& session) {
       const int listening = listener(session);
       session.meanwhile([=, &session] { session.libc.shutdown(listening, SHUT_RDWR); });
       accept_from(session, listening);
     }},
};

class AcceptParity : public testing::TestWithParam<ParityCase> {};

TEST_P(AcceptParity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Accept, AcceptParity, testing::ValuesIn(kAcceptCases),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

}  // namespace
}  // namespace colibri::test
