// Reading and writing streams, by TCP and in the Unix domain, in coroutines and in plain threads.
#include "colibri/net/stream_socket.h"

#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include <array>
#include <functional>
#include <thread>

#include "colibri/core/libc.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/net/unix_stream.h"
#include "test/net/loopback.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;
using test::error_of_call;
using test::read_all;
using test::read_text;
using test::run_in_scheduler;
using test::test_text;
using test::text_of_error;

/// Both ends of a stream, whatever its kind.
struct Ends {
  StreamSocket& near;
  StreamSocket& far;
};

enum class Kind { kTcp, kUnix };

void with_stream(Kind kind, const std::function<void(Ends)>& body) {
  if (kind == Kind::kTcp) {
    test::TcpPair pair = test::tcp_pair();
    body({pair.client, pair.server});
  } else {
    auto [near, far] = UnixStream::pair();
    body({near, far});
  }
}

class StreamSocketTest : public testing::TestWithParam<Kind> {
 protected:
  static void in_coroutine(const std::function<void(Ends)>& body) {
    run_in_scheduler([&] { with_stream(GetParam(), body); });
  }
};

INSTANTIATE_TEST_SUITE_P(Kinds, StreamSocketTest, testing::Values(Kind::kTcp, Kind::kUnix),
                         [](const auto& parameter) {
                           return std::string(parameter.param == Kind::kTcp ? "Tcp" : "Unix");
                         });

TEST_P(StreamSocketTest, CarriesBytesBothWays) {
  in_coroutine([](Ends ends) {
    ends.near.write_all("ping");
    EXPECT_EQ(read_text(ends.far, 4), "ping");
    ends.far.write_all("pong");
    EXPECT_EQ(read_text(ends.near, 4), "pong");
  });
}

TEST_P(StreamSocketTest, ReadsWaitForBytesAgainAndAgain) {
  in_coroutine([](Ends ends) {
    auto reader = spawn([&] { return read_all(ends.far); });
    std::string sent;
    for (int i = 0; i < 100; ++i) {
      const std::string piece = test_text(static_cast<std::size_t>(1 + i % 7));
      ends.near.write_all(piece);
      sent += piece;
      if (i % 3 == 0) yield();
      if (i % 20 == 0) sleep_for(milliseconds(1));
    }
    ends.near.shutdown_write();
    EXPECT_EQ(reader.join(), sent);
  });
}

TEST_P(StreamSocketTest, WritesMoreThanTheKernelTakesAtOnce) {
  in_coroutine([](Ends ends) {
    const std::string text = test_text(5'000'000);
    auto writer = spawn([&] {
      ends.near.write_all(text);
      ends.near.shutdown_write();
    });
    EXPECT_EQ(read_all(ends.far), text);
    writer.join();
  });
}

TEST_P(StreamSocketTest, SeesTheEndWhetherItComesWithDataOrLater) {
  in_coroutine([](Ends ends) {
    ends.near.write_all("last");
    ends.near.shutdown_write();
    EXPECT_EQ(read_all(ends.far), "last");
    EXPECT_EQ(read_all(ends.far), "") << "and again";
    auto reader = spawn([&] { return read_all(ends.near); });
    sleep_for(milliseconds(1));
    ends.far.close();
    EXPECT_EQ(reader.join(), "");
  });
}

TEST_P(StreamSocketTest, SeesTheEndThatComesTogetherWithDataWhileItWaits) {
  in_coroutine([](Ends ends) {
    auto reader = spawn([&] { return read_all(ends.far); });
    sleep_for(milliseconds(1));
    ends.near.write_all("both");
    ends.near.close();
    EXPECT_EQ(reader.join(), "both");
  });
}

TEST_P(StreamSocketTest, AnEmptyBufferIsReadAtOnce) {
  in_coroutine([](Ends ends) {
    EXPECT_EQ(ends.near.read_some(std::span<std::byte>()), 0U);
    EXPECT_EQ(ends.near.read_some(std::span<const iovec>()), 0U);
    EXPECT_TRUE(ends.near.read_exactly({}));
    ends.near.write_all("");
    ends.near.write_all(std::span<const iovec>());
  });
}

TEST_P(StreamSocketTest, ReadsExactly) {
  in_coroutine([](Ends ends) {
    auto writer = spawn([&] {
      for (const char* piece : {"ab", "c", "def", "g"}) {
        ends.near.write_all(piece);
        sleep_for(milliseconds(1));
      }
      ends.near.shutdown_write();
    });
    std::array<char, 3> buffer;
    const auto bytes = std::as_writable_bytes(std::span(buffer));
    EXPECT_TRUE(ends.far.read_exactly(bytes));
    EXPECT_EQ(std::string(buffer.data(), 3), "abc");
    EXPECT_TRUE(ends.far.read_exactly(bytes));
    EXPECT_EQ(std::string(buffer.data(), 3), "def");
    EXPECT_EQ(error_of_call([&] { ends.far.read_exactly(bytes); }), ECONNABORTED) << "ended within";
    EXPECT_FALSE(ends.far.read_exactly(bytes)) << "ended before";
    writer.join();
  });
}

TEST_P(StreamSocketTest, ReadsUntilADelimiter) {
  in_coroutine([](Ends ends) {
    std::string buffer;
    ends.near.write_all("one\r\ntwo\r\nth");
    ASSERT_EQ(ends.far.read_until(buffer, "\r\n", 100), 5U);
    EXPECT_EQ(buffer.substr(0, 5), "one\r\n");
    buffer.erase(0, 5);
    ASSERT_EQ(ends.far.read_until(buffer, "\r\n", 100), 5U) << "without a read";
    buffer.erase(0, 5);
    auto reader = spawn([&] { return ends.far.read_until(buffer, "\r\n", 100); });
    for (const char* piece : {"ree\r", "\n", "rest"}) {
      sleep_for(milliseconds(1));
      ends.near.write_all(piece);
    }
    ASSERT_EQ(reader.join(), 7U) << "the delimiter came in two pieces";
    EXPECT_EQ(buffer.substr(0, 7), "three\r\n");
    buffer.erase(0, 7);
    ends.near.shutdown_write();
    EXPECT_EQ(ends.far.read_until(buffer, "\r\n", 100), 0U);
    EXPECT_EQ(buffer, "rest");
  });
}

TEST_P(StreamSocketTest, ReadUntilRefusesMoreThanItsLimit) {
  in_coroutine([](Ends ends) {
    for (const std::size_t size : {10U, 11U, 5000U}) {
      std::string buffer;
      ends.near.write_all(test_text(size) + "\n");
      EXPECT_EQ(error_of_call([&] { ends.far.read_until(buffer, "\n", 10); }), EMSGSIZE) << size;
      EXPECT_LE(buffer.size(), 10U);
      read_text(ends.far, size + 1 - buffer.size());
    }
    std::string buffer;
    ends.near.write_all("123456789\n");
    EXPECT_EQ(ends.far.read_until(buffer, "\n", 10), 10U) << "just within";
  });
}

TEST_P(StreamSocketTest, ReadsAndWritesSeveralBuffers) {
  in_coroutine([](Ends ends) {
    std::string text = test_text(3'000'000);
    std::vector<iovec> pieces;
    // More than go at once, some empty, the first and the last, too.
    pieces.push_back({text.data(), 0});
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t size = std::min<std::size_t>(pieces.size() % 5 * 30'000, text.size() - at);
      pieces.push_back({text.data() + at, size});
      at += size;
    }
    pieces.push_back({text.data(), 0});
    auto writer = spawn([&] {
      ends.near.write_all(pieces);
      ends.near.shutdown_write();
    });
    std::string read;
    std::array<char, 100> first;
    std::array<char, 70'000> second;
    const std::array<iovec, 2> room{iovec{first.data(), first.size()},
                                    iovec{second.data(), second.size()}};
    while (const std::size_t size = ends.far.read_some(room)) {
      read.append(first.data(), std::min(size, first.size()));
      if (size > first.size()) read.append(second.data(), size - first.size());
    }
    writer.join();
    EXPECT_EQ(read, text);
  });
}

TEST_P(StreamSocketTest, OneReadsWhileAnotherWrites) {
  in_coroutine([](Ends ends) {
    const std::string text = test_text(2'000'000);
    const auto send = [&](StreamSocket& end) {
      end.write_all(text);
      end.shutdown_write();
    };
    auto first = spawn([&] { send(ends.near); });
    auto second = spawn([&] { send(ends.far); });
    auto third = spawn([&] { return read_all(ends.far); });
    EXPECT_EQ(read_all(ends.near), text);
    EXPECT_EQ(third.join(), text);
    first.join();
    second.join();
  });
}

TEST_P(StreamSocketTest, WritingToAPeerThatIsGoneIsAnErrorAndNoSignal) {
  in_coroutine([](Ends ends) {
    ends.far.close();
    const int error = error_of_call([&] {
      for (int i = 0; i < 100; ++i) {
        ends.near.write_all("x");
        sleep_for(milliseconds(1));
      }
    });
    EXPECT_TRUE(error == EPIPE || error == ECONNRESET) << error;
  });
}

TEST_P(StreamSocketTest, TriesWithoutWaiting) {
  in_coroutine([](Ends ends) {
    std::array<std::byte, 10> buffer;
    EXPECT_EQ(ends.far.try_read_some(buffer), std::nullopt);
    EXPECT_EQ(ends.far.try_read_some({}), 0U);
    ends.near.write_all("abc");
    ends.far.wait_readable();
    EXPECT_EQ(ends.far.try_read_some(buffer), 3U);
    EXPECT_EQ(ends.far.try_read_some(buffer), std::nullopt);
    const std::string text = test_text(1'000'000);
    std::size_t sent = 0;
    while (const auto more = ends.near.try_write_some(std::as_bytes(std::span(text))))
      sent += *more;
    EXPECT_GT(sent, 0U);
    EXPECT_EQ(read_text(ends.far, sent).size(), sent);
    ends.near.shutdown_write();
    ends.far.wait_readable();
    EXPECT_EQ(ends.far.try_read_some(buffer), 0U) << "the end";
    ends.near.close();
    EXPECT_EQ(error_of_call([&] { ends.near.try_read_some(buffer); }), EBADF);
    EXPECT_EQ(error_of_call([&] { ends.near.try_write_some(buffer); }), EBADF);
  });
}

TEST_P(StreamSocketTest, WaitReadableReturnsForBytesAndForTheEnd) {
  in_coroutine([](Ends ends) {
    EXPECT_FALSE(ends.far.is_readable());
    ends.near.write_all("there already");
    EXPECT_TRUE(ends.far.is_readable());
    ends.far.wait_readable();
    EXPECT_EQ(read_text(ends.far, 13), "there already");
    auto waiter = spawn([&] { ends.far.wait_readable(); });
    sleep_for(milliseconds(1));
    EXPECT_FALSE(waiter.done());
    ends.near.write_all("later");
    waiter.join();
    EXPECT_EQ(read_text(ends.far, 5), "later");
    EXPECT_FALSE(ends.far.is_readable());
    ends.near.shutdown_write();
    ends.far.wait_readable();
    EXPECT_EQ(read_all(ends.far), "");
  });
}

// How calls end early ----------------------------------------------------------------------------

TEST_P(StreamSocketTest, ATimeLimitEndsReadsAndWrites) {
  in_coroutine([](Ends ends) {
    std::array<std::byte, 10> buffer;
    const auto in_time = [](const std::function<void()>& call) {
      const TimeLimit limit(milliseconds(2));
      return error_of_call(call);
    };
    EXPECT_EQ(in_time([&] { ends.near.read_some(buffer); }), ETIMEDOUT);
    EXPECT_EQ(in_time([&] { ends.near.read_exactly(buffer); }), ETIMEDOUT);
    EXPECT_EQ(in_time([&] { ends.near.wait_readable(); }), ETIMEDOUT);
    EXPECT_EQ(in_time([&] { ends.near.write_all(test_text(50'000'000)); }), ETIMEDOUT);
    ends.far.write_all("x");
    EXPECT_EQ(read_text(ends.near, 1), "x") << "as usable as before";
  });
}

TEST_P(StreamSocketTest, CancelEndsReadsAndWrites) {
  in_coroutine([](Ends ends) {
    std::array<std::byte, 10> buffer;
    const std::string text = test_text(50'000'000);
    const std::function<void()> calls[] = {
        [&] { ends.near.read_some(buffer); },
        [&] { ends.near.read_exactly(buffer); },
        [&] { ends.near.wait_readable(); },
        [&] { ends.near.write_all(text); },
    };
    for (const auto& call : calls) {
      auto task = spawn(call);
      sleep_for(milliseconds(1));
      EXPECT_FALSE(task.done());
      task.cancel();
      EXPECT_THROW(task.join(), Canceled);
    }
  });
}

TEST_P(StreamSocketTest, CloseEndsWhoWaits) {
  in_coroutine([](Ends ends) {
    std::array<std::byte, 10> buffer;
    auto reader = spawn([&] { return error_of_call([&] { ends.near.read_some(buffer); }); });
    auto writer =
        spawn([&] { return error_of_call([&] { ends.near.write_all(test_text(50'000'000)); }); });
    sleep_for(milliseconds(1));
    ends.near.close();
    EXPECT_EQ(reader.join(), EBADF);
    EXPECT_EQ(writer.join(), EBADF);
    EXPECT_EQ(error_of_call([&] { ends.near.read_some(buffer); }), EBADF);
    EXPECT_EQ(error_of_call([&] { ends.near.write_all("x"); }), EBADF);
    EXPECT_EQ(error_of_call([&] { ends.near.shutdown_write(); }), EBADF);
  });
}

TEST_P(StreamSocketTest, ItsOwnTimeoutsEndReadsAndWrites) {
  in_coroutine([](Ends ends) {
    std::array<std::byte, 10> buffer;
    ends.near.set_timeouts({.idle = milliseconds(2)});
    EXPECT_EQ(error_of_call([&] { ends.near.read_some(buffer); }), ETIMEDOUT);
    EXPECT_EQ(error_of_call([&] { ends.near.wait_readable(); }), ETIMEDOUT);
    ends.near.set_timeouts({.read = milliseconds(2)});
    ends.far.write_all("abc");
    EXPECT_EQ(error_of_call([&] { ends.near.read_exactly(buffer); }), ETIMEDOUT);
    ends.near.set_timeouts({.write = milliseconds(2)});
    EXPECT_EQ(error_of_call([&] { ends.near.write_all(test_text(50'000'000)); }), ETIMEDOUT);
  });
}

TEST_P(StreamSocketTest, TheReadTimeoutHoldsForAPeerThatSendsByteByByte) {
  in_coroutine([](Ends ends) {
    ends.near.set_timeouts({.idle = milliseconds(10'000), .read = milliseconds(20)});
    auto dripping = spawn([&] {
      for (;;) {
        ends.far.write_all("x");
        sleep_for(milliseconds(1));
      }
    });
    std::array<std::byte, 100'000> buffer;
    EXPECT_EQ(error_of_call([&] { ends.near.read_exactly(buffer); }), ETIMEDOUT);
    std::string line;
    EXPECT_EQ(error_of_call([&] { ends.near.read_until(line, "\n", 1'000'000); }), ETIMEDOUT);
    EXPECT_FALSE(line.empty()) << "what has come is kept";
  });
}

TEST_P(StreamSocketTest, BlocksAPlainThread) {
  with_stream(GetParam(), [](Ends ends) {
    std::thread peer([&] {
      ends.far.write_all(read_text(ends.far, 1'000'000));
      ends.far.shutdown_write();
    });
    const std::string text = test_text(1'000'000);
    std::thread writer([&] { ends.near.write_all(text); });
    EXPECT_EQ(read_all(ends.near), text);
    writer.join();
    peer.join();
    std::array<std::byte, 10> buffer;
    ends.far.set_timeouts({.idle = milliseconds(2)});
    EXPECT_EQ(error_of_call([&] { ends.far.read_some(buffer); }), ETIMEDOUT);
  });
}

// Names, options, what TCP does otherwise --------------------------------------------------------

TEST(TcpStream, ErrorsSayWhatWasDoneAndToWhom) {
  run_in_scheduler([] {
    test::TcpPair pair = test::tcp_pair();
    const std::string peer = pair.client.peer_address().to_string();
    EXPECT_EQ(pair.client.peer_address(), pair.server.local_address());
    std::array<std::byte, 10> buffer;
    pair.client.set_timeouts({.idle = milliseconds(1)});
    EXPECT_EQ(text_of_error([&] { pair.client.read_some(buffer); }),
              "read from " + peer + ": Connection timed out");
    pair.client.set_timeouts({});
    pair.server.reset();
    EXPECT_EQ(text_of_error([&] { pair.client.read_some(buffer); }),
              "read from " + peer + ": Connection reset by peer");
  });
}

TEST(UnixStream, ErrorsNameThePath) {
  run_in_scheduler([] {
    UnixListener listener("unix:@" + test::fresh_name());
    UnixStream client = UnixStream::connect(listener.address());
    UnixStream server = listener.accept();
    const std::string name = listener.address().to_string();
    std::array<std::byte, 1> buffer;
    for (UnixStream* each : {&client, &server}) {
      each->set_timeouts({.idle = milliseconds(1)});
      EXPECT_EQ(text_of_error([&] { each->read_some(buffer); }),
                "read from " + name + ": Connection timed out");
    }
  });
}

TEST(TcpStream, AShortReadLeavesOutTheTryThatWouldFail) {
  run_in_scheduler([] {
    test::TcpPair pair = test::tcp_pair();
    const DescriptorState* state = nullptr;
    auto reader = spawn([&] {
      read_text(pair.server, 3);
      std::array<std::byte, 10> buffer;
      EXPECT_EQ(pair.server.read_some(buffer), 3U);
      state = find_state(pair.server.descriptor());
    });
    sleep_for(milliseconds(1));
    pair.client.write_all("abc");
    sleep_for(milliseconds(1));
    pair.client.write_all("def");
    reader.join();
    ASSERT_NE(state, nullptr);
    // What leaves out the try, which each of the engines has a name for.
    EXPECT_TRUE(state->read_drained || state->expects_empty);
  });
}

TEST(TcpStream, AShortReadProvesNothingWithALowWaterMark) {
  run_in_scheduler([] {
    test::TcpPair pair = test::tcp_pair();
    pair.server.set_option(SOL_SOCKET, SO_RCVLOWAT, 2);
    auto reader = spawn([&] { return read_text(pair.server, 6); });
    sleep_for(milliseconds(1));
    pair.client.write_all("abc");
    sleep_for(milliseconds(1));
    const DescriptorState* state = find_state(pair.server.descriptor());
    ASSERT_NE(state, nullptr);
    pair.client.write_all("def");
    EXPECT_EQ(reader.join(), "abcdef");
    EXPECT_FALSE(state->read_drained);
  });
}

TEST(TcpStream, UrgentDataIsPassedOverAndNothingIsLost) {
  run_in_scheduler([] {
    test::TcpPair pair = test::tcp_pair();
    auto reader = spawn([&] { return read_all(pair.server); });
    sleep_for(milliseconds(1));
    pair.client.write_all("before");
    ASSERT_EQ(real::send(pair.client.descriptor(), "!", 1, MSG_OOB), 1);
    pair.client.write_all("after");
    sleep_for(milliseconds(1));
    pair.client.write_all(" and the end");
    sleep_for(milliseconds(1));
    pair.client.shutdown_write();
    EXPECT_EQ(reader.join(), "beforeafter and the end");
  });
}

TEST(TcpStream, HasOptions) {
  run_in_scheduler([] {
    test::TcpPair pair = test::tcp_pair();
    for (TcpStream* each : {&pair.client, &pair.server}) {
      EXPECT_EQ(each->option(IPPROTO_TCP, TCP_NODELAY), 1) << "from the beginning";
      each->set_no_delay(false);
      EXPECT_EQ(each->option(IPPROTO_TCP, TCP_NODELAY), 0);
      each->set_keep_alive({.idle = std::chrono::seconds(7), .count = 3});
      EXPECT_EQ(each->option(SOL_SOCKET, SO_KEEPALIVE), 1);
      EXPECT_EQ(each->option(IPPROTO_TCP, TCP_KEEPIDLE), 7);
      EXPECT_EQ(each->option(IPPROTO_TCP, TCP_KEEPCNT), 3);
      EXPECT_EQ(real::fcntl(each->descriptor(), F_GETFD), FD_CLOEXEC);
      EXPECT_NE(real::fcntl(each->descriptor(), F_GETFL) & O_NONBLOCK, 0);
    }
    EXPECT_EQ(error_of_call([&] { pair.client.set_option(SOL_SOCKET, -1, 1); }), ENOPROTOOPT);
    EXPECT_EQ(error_of_call([&] { pair.client.option(SOL_SOCKET, -1); }), ENOPROTOOPT);
  });
}

TEST(TcpStream, ResetsWhenItIsClosedIfItWasTold) {
  run_in_scheduler([] {
    for (const bool resets : {true, false}) {
      test::TcpPair pair = test::tcp_pair();
      pair.server.set_reset_on_close(true);
      pair.server.set_reset_on_close(resets);
      pair.server.write_all("x");
      EXPECT_EQ(read_text(pair.client, 1), "x");
      pair.server.close();
      EXPECT_EQ(error_of_call([&] { read_all(pair.client); }), resets ? ECONNRESET : 0);
    }
  });
}

TEST(TcpStream, IsMovedAndReleasedAndAdopted) {
  run_in_scheduler([] {
    test::TcpPair pair = test::tcp_pair();
    TcpStream moved = std::move(pair.client);
    EXPECT_FALSE(pair.client.is_open());
    EXPECT_EQ(error_of_call([&] { pair.client.write_all("x"); }), EBADF);
    const Address peer = moved.peer_address();
    const int number = moved.release();
    EXPECT_FALSE(moved.is_open());
    moved = TcpStream::adopt(number);
    EXPECT_EQ(moved.peer_address(), peer);
    moved.write_all("still there");
    EXPECT_EQ(read_text(pair.server, 11), "still there");
    EXPECT_EQ(error_of_call([] { TcpStream::adopt(-1); }), EBADF);
    auto [near, far] = UnixStream::pair();
    EXPECT_EQ(error_of_call([&near = near] { TcpStream::adopt(near.descriptor()); }), EAFNOSUPPORT);
    EXPECT_EQ(error_of_call([&] { UnixStream::adopt(moved.descriptor()); }), EAFNOSUPPORT);
    EXPECT_TRUE(moved.is_open()) << "what was refused stays the caller's";
  });
}

}  // namespace
}  // namespace colibri
