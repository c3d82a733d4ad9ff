// OpenSSL as a client, as `openssl s_client` uses it, against `openssl s_server`.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

#include "colibri/core/deadline.h"
#include "colibri/core/event.h"
#include "colibri/core/sanitizer.h"
#include "colibri/core/task.h"
#include "test/clients/bounded_test.h"
#include "test/clients/crowd.h"
#include "test/clients/server_process.h"
#include "test/clients/servers.h"
#include "test/clients/tcp_queues.h"
#include "test/support/run_in_scheduler.h"

namespace colibri::test {
namespace {

using namespace std::chrono_literals;

struct Deleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* connection) const { SSL_free(connection); }
};

/// A connection that trusts one certificate.
class Connection {
 public:
  Connection(SSL_CTX* context, int port) : ssl_(SSL_new(context)) {
    const sockaddr_in address{
        AF_INET, htons(static_cast<in_port_t>(port)), {htonl(INADDR_LOOPBACK)}, {}};
    if (connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("connect");
    }
    SSL_set_fd(ssl_.get(), fd_);
    SSL_set1_host(ssl_.get(), "localhost");
    if (SSL_connect(ssl_.get()) != 1) throw std::runtime_error("SSL_connect");
  }
  ~Connection() {
    SSL_shutdown(ssl_.get());
    close(fd_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  SSL* get() const { return ssl_.get(); }

  void write(const std::string& text) {
    if (SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) !=
        static_cast<int>(text.size())) {
      throw std::runtime_error("SSL_write");
    }
  }

  std::string read_line() {
    std::string line;
    while (!line.ends_with('\n')) {
      char bytes[4096];
      const int size = SSL_read(ssl_.get(), bytes, sizeof bytes);
      if (size <= 0) throw std::runtime_error("SSL_read");
      line.append(bytes, static_cast<std::size_t>(size));
    }
    return line;
  }

 private:
  const int fd_ = socket(AF_INET, SOCK_STREAM, 0);
  const std::unique_ptr<SSL, Deleter> ssl_;
};

class OpensslTest : public BoundedTest {
 protected:
  OpensslTest() {
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    SSL_CTX_load_verify_file(context_.get(), certificate_.certificate.c_str());
  }

  SSL_CTX* context() const { return context_.get(); }
  Connection connect() const { return Connection(context_.get(), server_.port()); }
  int waiting_clients() const { return unaccepted_connections(server_.port()); }

 private:
  TemporaryFolder folder_;
  const Certificate certificate_ = make_certificate(folder_);
  ServerProcess server_{folder_, openssl_server(certificate_)};
  const std::unique_ptr<SSL_CTX, Deleter> context_{SSL_CTX_new(TLS_client_method())};
};

// One is being served and waits for the gate, the others wait for the server.
TEST_F(OpensslTest, AllWaitForTheirTurnAtOnce) {
  const Event open;
  const auto client = [&](int number) {
    Connection connection = connect();
    open.wait();
    const std::string text(static_cast<std::size_t>(number) * 50, 'x');
    connection.write("begin" + text + "end\n");
    EXPECT_EQ(connection.read_line(), "dne" + text + "nigeb\n");
  };
  expect_crowd(client,
               {.waiting = [this] { return waiting_clients() + 1; }, .open = [&] { open.set(); }});
}

/// A handshake with somebody who does not know TLS.
void fail_in_handshake(SSL_CTX* context) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  ASSERT_EQ(write(ends[1], "no TLS\n", 7), 7);
  const std::unique_ptr<SSL, Deleter> connection(SSL_new(context));
  SSL_set_fd(connection.get(), ends[0]);
  EXPECT_EQ(SSL_connect(connection.get()), -1);
  close(ends[0]);
  close(ends[1]);
}

// OpenSSL keeps them in thread-specific data, and its calls forget what is in there.
TEST_F(OpensslTest, ErrorsAreTheCoroutinesOwn) {
  if (kThreadSanitizer) GTEST_SKIP() << "thread-specific data is the thread's there";
  run_in_scheduler([this] {
    const Event failed;
    const Event looked;
    Task<void> other = spawn([this, failed, looked] {
      fail_in_handshake(context());
      failed.set();
      looked.wait();
      EXPECT_EQ(ERR_GET_REASON(ERR_get_error()), SSL_R_WRONG_VERSION_NUMBER);
    });
    failed.wait();
    EXPECT_EQ(ERR_get_error(), 0u);
    Connection connection = connect();
    connection.write("two words\n");
    EXPECT_EQ(connection.read_line(), "sdrow owt\n");
    looked.set();
    other.join();
  });
}

TEST_F(OpensslTest, ATimeLimitEndsARead) {
  run_in_scheduler([this] {
    const Connection connection = connect();
    const TimeLimit limit(20ms);
    char byte;
    EXPECT_EQ(SSL_read(connection.get(), &byte, 1), -1);
    EXPECT_EQ(errno, ETIMEDOUT);
    EXPECT_EQ(SSL_get_error(connection.get(), -1), SSL_ERROR_SYSCALL);
  });
}

}  // namespace
}  // namespace colibri::test
