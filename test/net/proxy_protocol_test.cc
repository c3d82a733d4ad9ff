// The PROXY protocol on connections: whole headers and cut ones, and who is believed.
#include "colibri/net/proxy_protocol.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "colibri/core/canceled.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/net/loopback.h"
#include "test/net/proxy_headers.h"
#include "test/support/captured_stderr.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::error_of_call;
using test::GoodProxyHeader;
using test::ipv4_header;
using test::read_all;
using test::run_in_scheduler;
using test::tcp_pair;
using test::TcpPair;
using test::text_of_error;

const std::string kBehind = "the first words of the client";

// Reading a header -------------------------------------------------------------------------------

class HeaderOnAConnection : public testing::TestWithParam<GoodProxyHeader> {};

TEST_P(HeaderOnAConnection, IsReadAndNoByteBehindIt) {
  run_in_scheduler([] {
    TcpPair pair = tcp_pair();
    pair.client.write_all(GetParam().bytes + kBehind);
    pair.client.shutdown_write();
    EXPECT_TRUE(read_proxy_header(pair.server) == GetParam().meaning);
    EXPECT_EQ(read_all(pair.server), kBehind);
  });
}

TEST_P(HeaderOnAConnection, MayComeInTwoPartsCutAtAnyByte) {
  run_in_scheduler([] {
    const std::string& bytes = GetParam().bytes;
    for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
      TcpPair pair = tcp_pair();
      pair.client.write_all(bytes.substr(0, cut));
      auto reading = spawn([&] { return read_proxy_header(pair.server); });
      yield();  // it has read the first part, and waits
      EXPECT_FALSE(reading.done()) << cut;
      pair.client.write_all(bytes.substr(cut) + kBehind);
      pair.client.shutdown_write();
      EXPECT_TRUE(reading.join() == GetParam().meaning) << cut;
      EXPECT_EQ(read_all(pair.server), kBehind) << cut;
    }
  });
}

TEST_P(HeaderOnAConnection, ThatEndsWithinItIsAborted) {
  run_in_scheduler([] {
    const std::string& bytes = GetParam().bytes;
    for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
      TcpPair pair = tcp_pair();
      pair.client.write_all(bytes.substr(0, cut));
      pair.client.close();
      EXPECT_EQ(error_of_call([&] { read_proxy_header(pair.server); }), ECONNABORTED) << cut;
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Headers, HeaderOnAConnection,
                         testing::ValuesIn(test::good_proxy_headers()),
                         [](const auto& header) { return header.param.name; });

TEST(ProxyProtocol, ReadsByteByByte) {
  run_in_scheduler([] {
    TcpPair pair = tcp_pair();
    auto reading = spawn([&] { return read_proxy_header(pair.server); });
    for (const char each : ipv4_header()) {
      yield();
      EXPECT_FALSE(reading.done());
      pair.client.write_all(std::string_view(&each, 1));
    }
    EXPECT_EQ(reading.join()->source->to_string(), "192.0.2.1:4000");
  });
}

TEST(ProxyProtocol, ReadsAHeaderThatIsLongerThanASegment) {
  run_in_scheduler([] {
    TcpPair pair = tcp_pair();
    const std::string header =
        ipv4_header(test::value(0x04, std::string(4000, 'x')) + test::value(0x02, "example.com"));
    pair.client.write_all(header + kBehind);
    pair.client.shutdown_write();
    EXPECT_EQ(read_proxy_header(pair.server)->authority, "example.com");
    EXPECT_EQ(read_all(pair.server), kBehind);
    pair = tcp_pair();
    pair.client.write_all(header);
    EXPECT_EQ(error_of_call([&] { read_proxy_header(pair.server, {.most_bytes = 4000}); }), EPROTO);
  });
}

TEST(ProxyProtocol, AConnectionWithoutAByteHasNoHeader) {
  run_in_scheduler([] {
    TcpPair pair = tcp_pair();
    pair.client.close();
    EXPECT_EQ(read_proxy_header(pair.server), std::nullopt);
  });
}

TEST(ProxyProtocol, ABadHeaderIsRefusedInWordsAndAtOnce) {
  run_in_scheduler([] {
    TcpPair pair = tcp_pair();
    const std::string client = pair.client.local_address().to_string();
    pair.client.write_all("PROXY-");  // and waits for an answer
    EXPECT_EQ(text_of_error([&] { read_proxy_header(pair.server); }),
              "read the PROXY header from " + client +
                  ": at byte 6, this is no PROXY header: Protocol error");
  });
}

TEST(ProxyProtocol, EndsByTheDeadlineByALimitAndByCancelling) {
  run_in_scheduler([] {
    TcpPair pair = tcp_pair();
    pair.client.write_all("PROXY ");
    const auto read = [&] { read_proxy_header(pair.server); };
    EXPECT_EQ(error_of_call([&] {
                read_proxy_header(pair.server, {.deadline = Deadline::after(milliseconds(1))});
              }),
              ETIMEDOUT);
    pair = tcp_pair();
    EXPECT_EQ(error_of_call([&] {
                const TimeLimit limit(milliseconds(1));
                read();
              }),
              ETIMEDOUT);
    auto reading = spawn(read);
    yield();
    reading.cancel();
    EXPECT_THROW(reading.join(), Canceled);
  });
}

TEST(ProxyProtocol, ReadsInAPlainThread) {
  TcpPair pair = tcp_pair();
  pair.client.write_all(ipv4_header() + kBehind);
  pair.client.shutdown_write();
  EXPECT_EQ(read_proxy_header(pair.server)->destination->to_string(), "198.51.100.2:443");
  EXPECT_EQ(read_all(pair.server), kBehind);
}

// Behind a proxy ---------------------------------------------------------------------------------

/// A server that answers with the address of its client, and what became of its connections.
class ServerBehindProxy {
 public:
  explicit ServerBehindProxy(TrustedProxies trusted)
      : server_(std::make_unique<TcpServer>("127.0.0.1:0", behind_proxy(std::move(trusted), answer),
                                            TcpServerOptions{.drain = seconds(20)})),
        task_(spawn([&server = *server_] { server.run(); })) {}

  TcpStream connect() const { return TcpStream::connect(server_->address()); }

  /// What it answers to a connection that begins with `bytes`.
  std::string answer_to(std::string_view bytes) const {
    TcpStream client = connect();
    client.write_all(bytes);
    client.shutdown_write();
    return read_all(client);
  }

  TcpServerCounters stop() {
    server_->stop();
    task_.join();
    return server_->counters();
  }

 private:
  static void answer(TcpStream& stream, const ProxyHeader& header) {
    const std::string words = read_all(stream);
    stream.write_all((header.source ? header.source->to_string() : "nobody") + ' ' + words);
  }

  std::unique_ptr<TcpServer> server_;  // in the heap: its own coroutine uses it
  Task<void> task_;
};

TEST(BehindProxy, TheHandlerLearnsWhoTheClientIs) {
  run_in_scheduler([] {
    ServerBehindProxy server({.from = {"192.0.2.0/24", "127.0.0.0/8"}});
    EXPECT_EQ(server.answer_to(ipv4_header() + "hello"), "192.0.2.1:4000 hello");
    EXPECT_EQ(server.answer_to("PROXY TCP6 2001:db8::1 ::1 7 8\r\nhello"), "[2001:db8::1]:7 hello");
    EXPECT_EQ(server.answer_to("PROXY UNKNOWN\r\nhello"), "nobody hello");
    EXPECT_EQ(server.stop().completed, 3U);
  });
}

TEST(BehindProxy, WhoOnlyConnectsHasDoneNothingWrong) {
  run_in_scheduler([] {
    const std::string log = test::stderr_of([] {
      ServerBehindProxy server({.from = {"127.0.0.1"}});
      EXPECT_EQ(server.answer_to(""), "");
      EXPECT_EQ(server.stop().completed, 1U);
    });
    EXPECT_EQ(log, "");
  });
}

TEST(BehindProxy, OthersAreNotServedWhateverTheySay) {
  run_in_scheduler([] {
    const std::string log = test::stderr_of([] {
      ServerBehindProxy server({.from = {"192.0.2.0/24", "::1"}});
      // The server closes with bytes unread, so that its peer may see a reset.
      TcpStream client = server.connect();
      EXPECT_EQ(read_all(client), "");
      EXPECT_EQ(server.stop().failed, 1U);
    });
    EXPECT_NE(log.find("somebody who is not trusted, 127.0.0.1:"), std::string::npos) << log;
  });
}

TEST(BehindProxy, ABadHeaderFailsAndIsLogged) {
  run_in_scheduler([] {
    const std::string log = test::stderr_of([] {
      ServerBehindProxy server({.from = {"127.0.0.1"}});
      EXPECT_EQ(server.answer_to("PROXY UNKNOWNX\r\n"), "");
      EXPECT_EQ(server.stop().failed, 1U);
    });
    EXPECT_NE(log.find("at byte 7, TCP4, TCP6 or UNKNOWN is expected"), std::string::npos) << log;
  });
}

TEST(BehindProxy, AHeaderThatDoesNotComeIsTimedOut) {
  run_in_scheduler([] {
    ServerBehindProxy server({.from = {"127.0.0.1"}, .timeout = milliseconds(5)});
    TcpStream client = server.connect();
    EXPECT_EQ(read_all(client), "");
    EXPECT_EQ(server.stop().timed_out, 1U);
  });
}

TEST(BehindProxy, SomebodyMustBeTrusted) {
  EXPECT_THROW(behind_proxy({}, [](TcpStream&, const ProxyHeader&) {}), std::invalid_argument);
}

}  // namespace
}  // namespace colibri
