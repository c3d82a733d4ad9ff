// TlsStream: handshakes good and bad, and what is carried afterwards.
#include "colibri/net/tls_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <thread>

#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/net/buffered.h"
#include "test/net/loopback.h"
#include "test/net/test_certificates.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;
using test::error_of_call;
using test::run_in_scheduler;
using test::test_text;
using test::text_of_error;
using testing::HasSubstr;

class TlsStreamTest : public testing::Test {
 protected:
  /// Both ends of a connection, with the handshake behind them.
  struct Ends {
    TlsStream client;
    TlsStream server;
  };

  Ends connect(const TlsServerContext& server, const TlsClientContext& client,
               const std::string& host = "localhost") {
    test::TcpPair tcp = test::tcp_pair();
    auto accepting = spawn([&] { return TlsStream::accept(std::move(tcp.server), server); });
    TlsStream end = TlsStream::connect(std::move(tcp.client), host, client);
    return {std::move(end), accepting.join()};
  }
  Ends connect() { return connect(server_, client_); }

  /// How a handshake fails at the client's end; the server's may fail, too.
  std::string refusal(const TlsServerContext& server, const TlsClientContext& client,
                      const std::string& host = "localhost") {
    test::TcpPair tcp = test::tcp_pair();
    auto accepting = spawn([&] {
      error_of_call([&] {
        TlsStream end = TlsStream::accept(std::move(tcp.server), server);
        read_all(end);
      });
    });
    return text_of_error([&] {
      TlsStream end = TlsStream::connect(std::move(tcp.client), host, client);
      std::array<std::byte, 1> byte;
      end.shutdown_write();
      end.read_some(byte);  // with TLS 1.3 only this says what the server made of our part
    });
  }

  static std::string read_all(TlsStream& stream) {
    std::string text;
    std::array<std::byte, 4096> buffer;
    while (const std::size_t size = stream.read_some(buffer)) {
      text.append(reinterpret_cast<const char*>(buffer.data()), size);
    }
    return text;
  }
  static std::string read_text(TlsStream& stream, std::size_t size) {
    std::string text(size, '\0');
    return stream.read_exactly(std::as_writable_bytes(std::span(text))) ? text : "";
  }

  const test::TestAuthority authority_;
  const TlsCertificate certificate_ = authority_.issue("localhost");
  const TlsServerContext server_{{.certificate = certificate_}};
  const TlsClientContext client_{{.authorities_file = authority_.file()}};
};

TEST_F(TlsStreamTest, CarriesBytesBothWays) {
  run_in_scheduler([this] {
    Ends ends = connect();
    EXPECT_EQ(ends.client.version(), "TLSv1.3");
    EXPECT_THAT(ends.client.peer_subject(), HasSubstr("CN=localhost"));
    EXPECT_EQ(ends.server.peer_subject(), "");
    EXPECT_EQ(ends.server.server_name(), "localhost");
    ends.client.write_all("ping");
    EXPECT_EQ(read_text(ends.server, 4), "ping");
    ends.server.write_all("pong");
    EXPECT_EQ(read_text(ends.client, 4), "pong");
  });
}

TEST_F(TlsStreamTest, CarriesMuchBothWaysAtOnce) {
  run_in_scheduler([this] {
    Ends ends = connect();
    const std::string text = test_text(3'000'000);
    const auto send = [&](TlsStream& end) {
      end.write_all(text);
      end.shutdown_write();
    };
    auto first = spawn([&] { send(ends.client); });
    auto second = spawn([&] { send(ends.server); });
    auto third = spawn([&] { return read_all(ends.client); });
    EXPECT_EQ(read_all(ends.server), text);
    EXPECT_EQ(third.join(), text);
    first.join();
    second.join();
  });
}

TEST_F(TlsStreamTest, TellsADeclaredEndFromOneThatIsNot) {
  run_in_scheduler([this] {
    Ends ends = connect();
    ends.client.write_all("last");
    ends.client.close();
    EXPECT_EQ(read_all(ends.server), "last");
    Ends others = connect();
    others.client.write_all("last");
    others.client.tcp().shutdown_write();
    EXPECT_EQ(read_text(others.server, 4), "last");
    std::array<std::byte, 1> byte;
    EXPECT_EQ(error_of_call([&] { others.server.read_some(byte); }), ECONNABORTED);
  });
}

TEST_F(TlsStreamTest, ReadsExactlyAndWaitsForBytes) {
  run_in_scheduler([this] {
    Ends ends = connect();
    auto reader = spawn([&] {
      ends.server.wait_readable();
      return read_text(ends.server, 6);
    });
    sleep_for(milliseconds(1));
    EXPECT_FALSE(reader.done());
    ends.client.write_all("abc");
    sleep_for(milliseconds(1));
    ends.client.write_all("def..");
    EXPECT_EQ(reader.join(), "abcdef");
    ends.server.wait_readable();
    ends.client.close();
    std::array<std::byte, 5> more;
    EXPECT_EQ(error_of_call([&] { ends.server.read_exactly(more); }), ECONNABORTED);
    EXPECT_FALSE(ends.server.read_exactly(more));
  });
}

TEST_F(TlsStreamTest, TriesWithoutWaiting) {
  run_in_scheduler([this] {
    Ends ends = connect();
    std::array<std::byte, 10> buffer;
    EXPECT_EQ(ends.server.try_read_some(buffer), std::nullopt);
    EXPECT_EQ(ends.server.try_read_some({}), 0U);
    EXPECT_EQ(ends.client.try_write_some({}), 0U);
    ends.client.write_all("abc");
    ends.server.wait_readable();
    EXPECT_EQ(ends.server.try_read_some(buffer), 3U);
    EXPECT_EQ(ends.server.try_read_some(buffer), std::nullopt);
    const std::string text = test_text(20'000'000);
    auto rest = std::as_bytes(std::span(text));
    while (const auto sent = ends.client.try_write_some(rest)) rest = rest.subspan(*sent);
    EXPECT_FALSE(rest.empty());
    EXPECT_LT(rest.size(), text.size());
    auto writer = spawn([&] {
      ends.client.write_all(rest);  // what was sealed already goes first
      ends.client.shutdown_write();
    });
    EXPECT_EQ(read_all(ends.server), text);
    EXPECT_EQ(ends.server.try_read_some(buffer), 0U) << "the end";
    writer.join();
  });
}

TEST_F(TlsStreamTest, ReadsUntilADelimiter) {
  run_in_scheduler([this] {
    Ends ends = connect();
    std::string text;
    auto reader = spawn([&] { return ends.server.read_until(text, "\r\n", 100); });
    for (const char* part : {"one", "\r", "\ntwo\r\n"}) {
      ends.client.write_all(part);
      sleep_for(milliseconds(1));
    }
    EXPECT_EQ(reader.join(), 5U);
    text.erase(0, 5);
    EXPECT_EQ(ends.server.read_until(text, "\r\n", 100), 5U);
    text.clear();
    ends.client.write_all(test_text(100));
    EXPECT_EQ(error_of_call([&] { ends.server.read_until(text, "\r\n", 50); }), EMSGSIZE);
    ends.server.set_timeouts({.read = milliseconds(5)});
    EXPECT_EQ(error_of_call([&] { ends.server.read_until(text, "\r\n", 200); }), ETIMEDOUT);
    ends.client.close();
    EXPECT_EQ(ends.server.read_until(text, "\r\n", 200), 0U);
    EXPECT_EQ(text, test_text(100));
  });
}

TEST_F(TlsStreamTest, IsResetOrHandedOverWithoutADeclaredEnd) {
  run_in_scheduler([this] {
    std::array<std::byte, 1> byte;
    Ends reset = connect();
    reset.client.reset();
    EXPECT_FALSE(reset.client.is_open());
    EXPECT_EQ(error_of_call([&] { reset.server.read_some(byte); }), ECONNRESET);
    Ends released = connect();
    TcpStream bare = released.client.release();
    bare.shutdown_write();
    EXPECT_FALSE(released.client.is_open());
    EXPECT_EQ(error_of_call([&] { released.server.read_some(byte); }), ECONNABORTED);
    Ends in_order = connect();
    in_order.client.try_shutdown_write();
    const TcpStream below = in_order.client.release();
    EXPECT_TRUE(below.is_open());
    EXPECT_EQ(in_order.server.read_some(byte), 0U);
  });
}

TEST_F(TlsStreamTest, IsReadAndWrittenThroughBuffers) {
  run_in_scheduler([this] {
    Ends ends = connect();
    BufferedWriter writer(ends.client, 16);
    for (const char* each : {"one\n", "two\r\n", "a line that is longer than its room\n"}) {
      writer.write(each);
    }
    writer.flush();
    BufferedReader reader(ends.server, 64);
    for (const char* line : {"one", "two", "a line that is longer than its room"}) {
      EXPECT_EQ(reader.read_line(), line);
    }
    ends.client.write_all(test_text(100));
    EXPECT_EQ(error_of_call([&] { reader.read_line(); }), EMSGSIZE);
  });
}

TEST_F(TlsStreamTest, EndsEarlyAsOtherStreamsDo) {
  run_in_scheduler([this] {
    Ends ends = connect();
    std::array<std::byte, 1> byte;
    EXPECT_EQ(error_of_call([&] {
                const TimeLimit limit(milliseconds(2));
                ends.client.read_some(byte);
              }),
              ETIMEDOUT);
    ends.client.tcp().set_timeouts({.idle = milliseconds(2), .write = milliseconds(2)});
    EXPECT_EQ(error_of_call([&] { ends.client.read_some(byte); }), ETIMEDOUT);
    auto canceled = spawn([&] { ends.server.read_some(byte); });
    sleep_for(milliseconds(1));
    canceled.cancel();
    EXPECT_THROW(canceled.join(), Canceled);
    ends.server.write_all("x");
    EXPECT_EQ(read_text(ends.client, 1), "x") << "as usable as before";
    EXPECT_EQ(error_of_call([&] { ends.client.write_all(test_text(50'000'000)); }), ETIMEDOUT);
  });
}

// Whom to believe --------------------------------------------------------------------------------

TEST_F(TlsStreamTest, TheCertificateMustBeForTheHost) {
  run_in_scheduler([this] {
    EXPECT_THAT(refusal(server_, client_, "example.com"), HasSubstr("hostname mismatch"));
    EXPECT_THAT(refusal(server_, client_, "127.0.0.1"), HasSubstr("IP address mismatch"));
    const TlsServerContext by_address({.certificate = authority_.issue("127.0.0.1")});
    EXPECT_EQ(connect(by_address, client_, "127.0.0.1").client.version(), "TLSv1.3");
  });
}

TEST_F(TlsStreamTest, WithoutAHostNobodyIsConnectedTo) {
  run_in_scheduler([this] {
    for (const std::string& host : {std::string(), std::string("localhost\0.evil", 15)}) {
      test::TcpPair tcp = test::tcp_pair();
      EXPECT_THROW(TlsStream::connect(std::move(tcp.client), host, client_), std::invalid_argument);
    }
  });
}

TEST_F(TlsStreamTest, TheAuthorityMustBeOneThatIsBelieved) {
  run_in_scheduler([this] {
    const TlsClientContext of_the_system;
    const std::string refused = refusal(server_, of_the_system);
    EXPECT_THAT(refused, HasSubstr("certificate verify failed"));
    EXPECT_THAT(refused, HasSubstr("127.0.0.1:"));
    EXPECT_EQ(error_of_call([&] { connect(server_, of_the_system); }), EPROTO);
    const TlsClientContext believes_anybody({.verify = false});
    EXPECT_EQ(connect(server_, believes_anybody).client.version(), "TLSv1.3");
  });
}

TEST_F(TlsStreamTest, AServerMayWantACertificateToo) {
  run_in_scheduler([this] {
    const TlsServerContext strict(
        {.certificate = certificate_, .client_authorities_file = authority_.file()});
    EXPECT_THAT(refusal(strict, client_), HasSubstr("certificate required"));
    const TlsClientContext known(
        {.authorities_file = authority_.file(), .certificate = authority_.issue("somebody")});
    EXPECT_THAT(connect(strict, known).server.peer_subject(), HasSubstr("CN=somebody"));
    const test::TestAuthority other;
    const TlsClientContext stranger(
        {.authorities_file = authority_.file(), .certificate = other.issue("somebody")});
    EXPECT_THAT(refusal(strict, stranger), HasSubstr("unknown ca"));
  });
}

TEST_F(TlsStreamTest, TheNameAskedForChoosesTheCertificate) {
  run_in_scheduler([this] {
    const TlsServerContext several({.certificate = certificate_,
                                    .other_names = {{"a.test", authority_.issue("a.test")},
                                                    {"b.test", authority_.issue("b.test")}}});
    for (const char* host : {"localhost", "a.test", "b.test"}) {
      Ends ends = connect(several, client_, host);
      EXPECT_THAT(ends.client.peer_subject(), HasSubstr(std::string("CN=") + host));
      EXPECT_EQ(ends.server.server_name(), host);
    }
  });
}

TEST_F(TlsStreamTest, BothAgreeOnAProtocol) {
  run_in_scheduler([this] {
    const TlsServerContext server({.certificate = certificate_, .protocols = {"h2", "http/1.1"}});
    const auto with = [this](std::vector<std::string> protocols) {
      return TlsClientContext(
          {.authorities_file = authority_.file(), .protocols = std::move(protocols)});
    };
    Ends ends = connect(server, with({"http/1.1", "h2"}));
    EXPECT_EQ(ends.client.protocol(), "h2") << "the server prefers it";
    EXPECT_EQ(ends.server.protocol(), "h2");
    EXPECT_EQ(connect(server, with({"http/1.1"})).server.protocol(), "http/1.1");
    EXPECT_EQ(connect(server, client_).server.protocol(), "") << "who names none";
    EXPECT_EQ(connect(server_, with({"h2"})).client.protocol(), "") << "or has none";
    EXPECT_THAT(refusal(server, with({"spdy"})), HasSubstr("no application protocol"));
    EXPECT_THROW(with({""}), std::invalid_argument);
    EXPECT_THROW(with({std::string(256, 'x')}), std::invalid_argument);
  });
}

TEST_F(TlsStreamTest, ASecondConnectionResumesTheSessionOfTheFirst) {
  run_in_scheduler([this] {
    TcpListener listener("127.0.0.1:0");
    auto server = spawn([&] {
      for (int i = 0; i < 3; ++i) {
        TlsStream stream = TlsStream::accept(listener.accept(), server_);
        stream.write_all("x");
        EXPECT_EQ(stream.resumed(), i == 1);
      }
    });
    const TlsClientContext other({.authorities_file = authority_.file()});
    for (const TlsClientContext* context : {&client_, &client_, &other}) {
      TlsStream client =
          TlsStream::connect(TcpStream::connect(listener.address()), "localhost", *context);
      EXPECT_EQ(read_text(client, 1), "x");  // with what may be resumed
    }
    server.join();
  });
}

// Bad days ---------------------------------------------------------------------------------------

TEST_F(TlsStreamTest, FilesThatAreNotGoodAreNamed) {
  const auto with = [](const std::string& chain, const std::string& key) {
    return text_of_error([&] { TlsServerContext({.certificate = {chain, key}}); });
  };
  const std::string& chain = certificate_.chain_file;
  const std::string& key = certificate_.key_file;
  EXPECT_THAT(with("/no/such.pem", key), HasSubstr("\"/no/such.pem\": No such file or directory"));
  EXPECT_THAT(with(chain, "/no/such.pem"), HasSubstr("\"/no/such.pem\""));
  EXPECT_THAT(with(key, key), HasSubstr('"' + key + '"'));
  const std::string garbage = authority_.write("no certificate");
  EXPECT_THAT(with(garbage, key), HasSubstr('"' + garbage + "\": no start line"));
  EXPECT_THAT(with(chain, garbage), HasSubstr('"' + garbage + '"'));
  EXPECT_THAT(with(chain, authority_.issue("other").key_file), HasSubstr("key values mismatch"));
  EXPECT_THAT(text_of_error([] { TlsClientContext({.authorities_file = "/no/such.pem"}); }),
              HasSubstr("\"/no/such.pem\""));
}

TEST_F(TlsStreamTest, ACertificateThatIsOutOfDateIsRefusedByItsServer) {
  const TlsCertificate old = authority_.issue("localhost", -60);
  const std::string text = text_of_error([&] { TlsServerContext({.certificate = old}); });
  EXPECT_THAT(text, HasSubstr(old.chain_file));
  EXPECT_THAT(text, HasSubstr("Key has expired"));
}

TEST_F(TlsStreamTest, GarbageInPlaceOfAHandshakeIsAnError) {
  run_in_scheduler([this] {
    for (const std::string& garbage :
         {std::string("GET / HTTP/1.0\r\n\r\n"), std::string(1000, '\0'), test_text(1000),
          std::string("\x16\x03\x01\xff\xff") + test_text(70'000)}) {
      test::TcpPair tcp = test::tcp_pair();
      auto writer = spawn([&] {
        error_of_call([&] {
          tcp.client.write_all(garbage);
          test::read_all(tcp.client);
        });
      });
      EXPECT_EQ(error_of_call([&] { TlsStream::accept(std::move(tcp.server), server_); }), EPROTO);
      writer.join();
    }
  });
}

TEST_F(TlsStreamTest, AHandshakeThatEndsOrStallsIsAnError) {
  run_in_scheduler([this] {
    test::TcpPair cut = test::tcp_pair();
    cut.client.write_all("\x16\x03\x01");
    cut.client.close();
    EXPECT_EQ(error_of_call([&] { TlsStream::accept(std::move(cut.server), server_); }),
              ECONNABORTED);
    const TlsServerContext hasty(
        {.certificate = certificate_, .handshake_timeout = milliseconds(3)});
    test::TcpPair silent = test::tcp_pair();
    EXPECT_EQ(error_of_call([&] { TlsStream::accept(std::move(silent.server), hasty); }),
              ETIMEDOUT);
    const TlsClientContext hasty_client(
        {.authorities_file = authority_.file(), .handshake_timeout = milliseconds(3)});
    test::TcpPair deaf = test::tcp_pair();
    EXPECT_EQ(error_of_call(
                  [&] { TlsStream::connect(std::move(deaf.client), "localhost", hasty_client); }),
              ETIMEDOUT);
    test::TcpPair late = test::tcp_pair();
    EXPECT_EQ(error_of_call([&] {
                TlsStream::accept(std::move(late.server), server_,
                                  Deadline::after(milliseconds(3)));
              }),
              ETIMEDOUT);
    test::TcpPair mute = test::tcp_pair();
    EXPECT_EQ(error_of_call([&] {
                TlsStream::connect(std::move(mute.client), "localhost", client_,
                                   Deadline::after(milliseconds(3)));
              }),
              ETIMEDOUT);
  });
}

TEST_F(TlsStreamTest, ChangedBytesAreNoticed) {
  run_in_scheduler([this] {
    Ends ends = connect();
    // A record that was never encrypted by the other end.
    ends.client.tcp().write_all(std::string("\x17\x03\x03\x00\x20", 5) + test_text(32));
    std::array<std::byte, 1> byte;
    EXPECT_EQ(error_of_call([&] { ends.server.read_some(byte); }), EPROTO);
  });
}

/// A client of OpenSSL's own, in a thread, which asks for a second handshake on its connection.
/// True if the server agreed.
bool renegotiates(const Address& server) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  &SSL_CTX_free);
  SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);  // 1.3 has no such thing
  const std::unique_ptr<SSL, decltype(&SSL_free)> tls(SSL_new(context.get()), &SSL_free);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_EQ(connect(fd, server.data(), server.size()), 0);
  SSL_set_fd(tls.get(), fd);
  EXPECT_EQ(SSL_connect(tls.get()), 1);
  EXPECT_EQ(SSL_renegotiate(tls.get()), 1);
  const bool agreed = SSL_do_handshake(tls.get()) == 1;
  close(fd);
  return agreed;
}

TEST_F(TlsStreamTest, ASecondHandshakeIsRefused) {
  run_in_scheduler([this] {
    TcpListener listener("127.0.0.1:0");
    const auto agreed = std::make_shared<bool>(true);  // the thread's, too
    std::thread client([agreed, address = listener.address()] { *agreed = renegotiates(address); });
    TlsStream stream = TlsStream::accept(listener.accept(), server_);
    std::array<std::byte, 1> byte;
    EXPECT_EQ(error_of_call([&] { stream.read_some(byte); }), EPROTO);  // the client gives up
    client.join();
    EXPECT_FALSE(*agreed);
  });
}

}  // namespace
}  // namespace colibri
