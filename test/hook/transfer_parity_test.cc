// sendfile, splice, preadv2, pwritev2, recvmmsg and sendmmsg give what libc gives.
#include <gtest/gtest.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include <memory>
#include "test/support/ancillary.h"
#include "test/support/channels.h"
#include "test/support/transfers.h"

namespace colibri::test {
namespace {

/// A file with this text, at its beginning. Owned by the session.
int file_of(Session& session, const std::string& text) {
  char path[] = "/tmp/colibri_test_XXXXXX";
  const int file = session.own(mkstemp(path));
  unlink(path);
  EXPECT_EQ(pwrite(file, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  return file;
}

auto sendfile_of(Session& session) {
  return session.either("sendfile64", ::sendfile64);
}

/// Where the file stands.
void note_position(Session& session, int file) {
  session.note("at " + std::to_string(lseek(file, 0, SEEK_CUR)));
}

const ParityCase kFiles[] = {
    {"Sendfile", "5, 5 hello, at 5, 6, 6  world, at 11, 0",
     [](Session& session) {
       const Ends ends = tcp_ends(session);
       const int file = file_of(session, "hello world");
       session.call(sendfile_of(session), ends.writer, file, nullptr, 5);
       try_read(session, ends.reader);
       note_position(session, file);
       session.call(sendfile_of(session), ends.writer, file, nullptr, 100);
       try_read(session, ends.reader);
       note_position(session, file);
       session.call(sendfile_of(session), ends.writer, file, nullptr, 100);
     }},
    {"SendfileFromAnOffset", "5, next 9, 5 lo wo, at 0",
     [](Session& session) {
       const Ends ends = unix_stream_ends(session);
       const int file = file_of(session, "hello world");
       off64_t offset = 3;
       session.call(sendfile_of(session), ends.writer, file, &offset, 5);
       session.note("next " + std::to_string(offset + 1));
       try_read(session, ends.reader);
       note_position(session, file);
     }},
    {"SendfileToAPipe", "5, 5 hello",
     [](Session& session) {
       const Ends ends = pipe_ends(session);
       session.call(session.either("sendfile", ::sendfile), ends.writer, file_of(session, "hello"),
                    nullptr, 5);
       try_read(session, ends.reader);
     }},
    {"SendfileWaitsForRoom", "3000000, took 3000000, at 3000000",
     [](Session& session) {
       const Ends ends = tcp_ends(session);
       const int file = file_of(session, std::string(3'000'000, 'x'));
       const auto taken = std::make_shared<std::size_t>(0);
       session.meanwhile(
           [&session, ends, taken] { *taken = take(session, ends.reader, 3'000'000).size(); });
       session.call(sendfile_of(session), ends.writer, file, nullptr, 3'000'000);
       session.finish_helpers();
       session.note("took " + std::to_string(*taken));
       note_position(session, file);
     }},
    {"SendfileErrors", "-1 EBADF, -1 EBADF, -1 EINVAL, -1 EFAULT, -1 EINVAL",
     [](Session& session) {
       const Ends ends = tcp_ends(session);
       const int file = file_of(session, "hello");
       off64_t offset = -1;
       session.call(sendfile_of(session), -1, file, nullptr, 5);
       session.call(sendfile_of(session), ends.writer, -1, nullptr, 5);
       session.call(sendfile_of(session), ends.writer, ends.writer, nullptr, 5);
       session.call(sendfile_of(session), ends.writer, file, bad_pointer<off64_t>(), 5);
       session.call(sendfile_of(session), ends.writer, file, &offset, 5);
     }},
    {"SendfileToAFile", "5, 5 hello",
     [](Session& session) {
       const int target = file_of(session, "");
       session.call(sendfile_of(session), target, file_of(session, "hello"), nullptr, 5);
       lseek(target, 0, SEEK_SET);
       try_read(session, target);
     }},
    {"SendfileToAClosedPeer", "-1 EPIPE",
     [](Session& session) {
       const Ends ends = unix_stream_ends(session);
       session.close(ends.reader);
       const auto before = signal(SIGPIPE, SIG_IGN);
       session.call(sendfile_of(session), ends.writer, file_of(session, "hello"), nullptr, 5);
       signal(SIGPIPE, before);
     }},
};

const ParityCase kSplices[] = {
    {"SpliceWaitsForAPipe", "5, 5 hello",
     [](Session& session) {
       const Ends from = pipe_ends(session);
       const Ends to = tcp_ends(session);
       session.meanwhile([&session, from] { put(session, from.writer, "hello"); });
       session.call(session.either("splice", ::splice), from.reader, nullptr, to.writer, nullptr,
                    100, 0);
       try_read(session, to.reader);
     }},
    {"SpliceWaitsForASocket", "5, 5 hello, 0",
     [](Session& session) {
       const Ends from = tcp_ends(session);
       const Ends to = pipe_ends(session);
       const auto splice = session.either("splice", ::splice);
       session.meanwhile([&session, from] {
         put(session, from.writer, "hello");
         session.until_waiting();
         session.close(from.writer);
       });
       session.call(splice, from.reader, nullptr, to.writer, nullptr, 100, 0);
       try_read(session, to.reader);
       session.call(splice, from.reader, nullptr, to.writer, nullptr, 100, 0);
     }},
    {"SpliceDoesNotWaitWhenAskedNotTo", "-1 EAGAIN",
     [](Session& session) {
       const Ends from = pipe_ends(session);
       const Ends to = pipe_ends(session);
       session.call(session.either("splice", ::splice), from.reader, nullptr, to.writer, nullptr,
                    100, SPLICE_F_NONBLOCK);
     }},
    {"SpliceErrors", "-1 EBADF, -1 EINVAL, 0",
     [](Session& session) {
       const Ends pipe = pipe_ends(session);
       const Ends sockets = tcp_ends(session);
       const auto splice = session.either("splice", ::splice);
       put(session, sockets.writer, "x");
       session.call(splice, -1, nullptr, pipe.writer, nullptr, 5, 0);
       session.call(splice, sockets.reader, nullptr, sockets.writer, nullptr, 5, 0);
       session.call(splice, pipe.reader, nullptr, sockets.writer, nullptr, 0, 0);
     }},
};

const ParityCase kVectors[] = {
    {"WithoutAnOffsetWait", "5 hello, 5, 5 world",
     [](Session& session) {
       const Ends ends = pipe_ends(session);
       char text[6] = {};
       const iovec room{text, 5};
       const auto preadv2 = session.either("preadv2", ::preadv2);
       session.meanwhile([&session, ends] { put(session, ends.writer, "hello"); });
       session.call(preadv2, ends.reader, &room, 1, -1, 0);
       session.append(text);
       const std::string world = "world";
       const iovec data{const_cast<char*>(world.data()), 5};
       session.call(session.either("pwritev2", ::pwritev2), ends.writer, &data, 1, -1, 0);
       session.call(session.either("preadv64v2", ::preadv64v2), ends.reader, &room, 1, -1, 0);
       session.append(text);
     }},
    {"Errors", "-1 ESPIPE, -1 EAGAIN, -1 EINVAL, -1 EOPNOTSUPP",
     [](Session& session) {
       const Ends ends = pipe_ends(session);
       char text[6] = {};
       const iovec room{text, 5};
       const auto preadv2 = session.either("preadv2", ::preadv2);
       session.call(preadv2, ends.reader, &room, 1, 3, 0);
       session.call(preadv2, ends.reader, &room, 1, -1, RWF_NOWAIT);
       session.call(preadv2, ends.reader, &room, 1, -5, 0);
       session.call(preadv2, ends.reader, &room, 1, -1, 1 << 20);
     }},
};

/// Messages with a buffer each.
struct ManyMessages {
  explicit ManyMessages(std::vector<std::string> texts) : texts_(std::move(texts)) {
    for (std::string& text : texts_) pieces_.push_back({text.data(), text.size()});
    for (iovec& piece : pieces_) {
      mmsghdr message{};
      message.msg_hdr.msg_iov = &piece;
      message.msg_hdr.msg_iovlen = 1;
      headers.push_back(message);
    }
  }
  /// Notes each message's length and text.
  void note(Session& session, long count) {
    for (long i = 0; i < count; ++i) {
      const auto index = static_cast<std::size_t>(i);
      session.append(texts_[index].substr(0, headers[index].msg_len));
    }
  }
  static ManyMessages room(std::size_t count) {
    return ManyMessages(std::vector<std::string>(count, std::string(10, '.')));
  }
  std::vector<mmsghdr> headers;

 private:
  std::vector<std::string> texts_;
  std::vector<iovec> pieces_;
};

void receive_many(Session& session, int socket, unsigned count, int flags,
                  timespec* timeout = nullptr) {
  ManyMessages messages = ManyMessages::room(count);
  const int got = session.call(session.either("recvmmsg", ::recvmmsg), socket,
                               messages.headers.data(), count, flags, timeout);
  messages.note(session, got);
}

const ParityCase kManyMessages[] = {
    {"ReceiveWaitsForAll", "2 one two",
     [](Session& session) {
       const Ends ends = datagram_ends(session);
       session.meanwhile([&session, ends] {
         put(session, ends.writer, "one");
         session.until_waiting();
         put(session, ends.writer, "two");
       });
       receive_many(session, ends.reader, 2, 0);
     }},
    {"ReceiveWaitsForOne", "1 one, 2 two three",
     [](Session& session) {
       const Ends ends = datagram_ends(session);
       session.meanwhile([&session, ends] { put(session, ends.writer, "one"); });
       receive_many(session, ends.reader, 3, MSG_WAITFORONE);
       session.finish_helpers();
       put(session, ends.writer, "two");
       put(session, ends.writer, "three");
       receive_many(session, ends.reader, 3, MSG_WAITFORONE);
     }},
    {"ReceiveDoesNotWaitWhenAskedNotTo", "-1 EAGAIN",
     [](Session& session) {
       receive_many(session, datagram_ends(session).reader, 2, MSG_DONTWAIT);
     }},
    {"ReceiveEndsAtATimeoutAfterAMessage", "1 one, nothing left",
     [](Session& session) {
       const Ends ends = datagram_ends(session);
       put(session, ends.writer, "one");
       timespec timeout{0, 0};
       receive_many(session, ends.reader, 3, 0, &timeout);
       session.note_if(timeout.tv_sec == 0 && timeout.tv_nsec == 0, "nothing left");
     }},
    {"ReceiveEndsAtTheSocketsTimeout", "1 one, -1 EAGAIN",
     [](Session& session) {
       const Ends ends = datagram_ends(session);
       set_timeout(session, ends.reader, SO_RCVTIMEO, 2000);
       put(session, ends.writer, "one");
       receive_many(session, ends.reader, 3, 0);
       receive_many(session, ends.reader, 3, 0);
     }},
    {"ReceiveLeavesAnErrorAfterAMessageToTheNextCall", "1 one, -1 ECONNREFUSED, -1 EAGAIN",
     [](Session& session) {
       const Ends ends = udp_ends(session);
       const sockaddr_in peer = address_of(ends.writer);
       EXPECT_EQ(session.libc.connect(ends.reader, generic(peer), sizeof peer), 0);
       put(session, ends.writer, "one");
       session.meanwhile([&session, ends] {
         session.close(ends.writer);
         session.libc.send(ends.reader, "to nobody", 9, 0);
       });
       receive_many(session, ends.reader, 2, 0);
       session.finish_helpers();
       receive_many(session, ends.reader, 2, 0);
       receive_many(session, ends.reader, 2, MSG_DONTWAIT);
     }},
    {"ReceiveEndsWhenTheSocketIsShutDown", "2 one ",
     [](Session& session) {
       const Ends ends = datagram_ends(session);
       put(session, ends.writer, "one");
       session.meanwhile([&session, ends] { session.libc.shutdown(ends.reader, SHUT_RD); });
       receive_many(session, ends.reader, 2, 0);
     }},
    {"ReceiveErrors", "-1 EBADF, -1 ENOTSOCK, 0, -1 EINVAL, -1 EFAULT, -1 EFAULT",
     [](Session& session) {
       const auto recvmmsg = session.either("recvmmsg", ::recvmmsg);
       const Ends ends = datagram_ends(session);
       timespec bad{0, -1};
       receive_many(session, -1, 2, 0);
       receive_many(session, pipe_ends(session).reader, 2, 0);
       receive_many(session, ends.reader, 0, 0);
       receive_many(session, ends.reader, 1, 0, &bad);
       receive_many(session, ends.reader, 1, 0, bad_pointer<timespec>());
       put(session, ends.writer, "x");
       session.call(recvmmsg, ends.reader, bad_pointer<mmsghdr>(), 1, 0, nullptr);
     }},
    {"SendDatagrams", "3, 3 one, 3 two, 5 three",
     [](Session& session) {
       const Ends ends = datagram_ends(session);
       ManyMessages messages({"one", "two", "three"});
       session.call(session.either("sendmmsg", ::sendmmsg), ends.writer, messages.headers.data(), 3,
                    0);
       for (int i = 0; i < 3; ++i) try_read(session, ends.reader);
     }},
    {"SendWaitsForRoom", "40, took 40",
     [](Session& session) {
       const Ends ends = datagram_ends(session);
       ManyMessages messages(std::vector<std::string>(40, std::string(1000, 'x')));
       const auto taken = std::make_shared<int>(0);
       session.meanwhile([&session, ends, taken] {
         char bytes[2000];
         while (*taken < 40 && session.libc.read(ends.reader, bytes, sizeof bytes) == 1000) {
           ++*taken;
         }
       });
       session.call(session.either("sendmmsg", ::sendmmsg), ends.writer, messages.headers.data(),
                    40, 0);
       session.finish_helpers();
       session.note("took " + std::to_string(*taken));
     }},
    {"SendOnAStreamSendsAll", "2, 500000 and 500000, took 1000000",
     [](Session& session) {
       const Ends ends = unix_stream_ends(session);
       ManyMessages messages(std::vector<std::string>(2, std::string(500'000, 'x')));
       const auto taken = std::make_shared<std::size_t>(0);
       session.meanwhile(
           [&session, ends, taken] { *taken = take(session, ends.reader, 1'000'000).size(); });
       session.call(session.either("sendmmsg", ::sendmmsg), ends.writer, messages.headers.data(), 2,
                    0);
       session.finish_helpers();
       session.note(std::to_string(messages.headers[0].msg_len) + " and " +
                    std::to_string(messages.headers[1].msg_len));
       session.note("took " + std::to_string(*taken));
     }},
    {"SendErrors", "-1 EBADF, -1 ENOTSOCK, 0, -1 EFAULT",
     [](Session& session) {
       const auto sendmmsg = session.either("sendmmsg", ::sendmmsg);
       ManyMessages messages({"one"});
       session.call(sendmmsg, -1, messages.headers.data(), 1, 0);
       session.call(sendmmsg, pipe_ends(session).writer, messages.headers.data(), 1, 0);
       session.call(sendmmsg, datagram_ends(session).writer, messages.headers.data(), 0, 0);
       session.call(sendmmsg, datagram_ends(session).writer, bad_pointer<mmsghdr>(), 1, 0);
     }},
};

class TransferParity : public testing::TestWithParam<ParityCase> {};

TEST_P(TransferParity, HoldsInEveryWay) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Files, TransferParity, testing::ValuesIn(kFiles),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Splices, TransferParity, testing::ValuesIn(kSplices),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Vectors, TransferParity, testing::ValuesIn(kVectors),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(ManyMessages, TransferParity, testing::ValuesIn(kManyMessages),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

}  // namespace
}  // namespace colibri::test
