// The yardstick of TLS: a single-threaded echo server on epoll and OpenSSL, as written by hand.
//
//   tls_server --certificate CHAIN.pem --key KEY.pem [--host 127.0.0.1] [--port 0]
//
// An echo that waits costs three system calls (epoll_wait, read, write): level-triggered, so that
// nobody need read once more to see that there is nothing, and with OpenSSL reading ahead, which
// saves the read for the five bytes before each record.

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/baseline/command_line.h"
#include "bench/baseline/server_setup.h"

namespace bench {
namespace {

constexpr std::size_t kBufferBytes = 4096;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "tls_server: %s\n", what);
  ERR_print_errors_fp(stderr);
  std::exit(1);
}

SSL_CTX* make_context(const std::string& chain, const std::string& key) {
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  if (context == nullptr) fail("no context");
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (SSL_CTX_use_certificate_chain_file(context, chain.c_str()) != 1) fail("--certificate");
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) fail("--key");
  return context;
}

struct Connection {
  SSL* ssl = nullptr;
  bool shakes_hands = true;
  std::uint32_t interest = EPOLLIN;
  std::string backlog;  // what the socket did not take
};

class TlsServer {
 public:
  TlsServer(int listener, SSL_CTX* context)
      : epoll_(epoll_create1(EPOLL_CLOEXEC)), listener_(listener), context_(context) {
    control(EPOLL_CTL_ADD, listener_, EPOLLIN);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 512> events;
    for (;;) {
      const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == listener_) {
          accept_all();
        } else {
          handle(fd);
        }
      }
    }
  }

 private:
  void accept_all() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) {
        if (errno == EINTR || errno == ECONNABORTED) continue;
        if (errno != EAGAIN) std::perror("accept4");
        return;
      }
      set_no_delay(fd);
      const auto index = static_cast<std::size_t>(fd);
      if (connections_.size() <= index) connections_.resize(index + 1);
      Connection& connection = connections_[index] = Connection();
      connection.ssl = SSL_new(context_);
      if (connection.ssl == nullptr || SSL_set_fd(connection.ssl, fd) != 1) fail("no connection");
      SSL_set_accept_state(connection.ssl);
      control(EPOLL_CTL_ADD, fd, EPOLLIN);
    }
  }

  void handle(int fd) {
    Connection& connection = connections_[static_cast<std::size_t>(fd)];
    if (connection.shakes_hands) {
      if (!went_on(fd, connection, SSL_do_handshake(connection.ssl))) return;
      connection.shakes_hands = false;
    }
    if (!connection.backlog.empty() && !flush(fd, connection)) return;
    // More than one record may have come with one read.
    do {
      if (!echo_once(fd, connection)) return;
    } while (SSL_has_pending(connection.ssl) != 0);
  }

  // False if it has to wait, or the connection has ended.
  bool echo_once(int fd, Connection& connection) {
    const int size = SSL_read(connection.ssl, buffer_.data(), static_cast<int>(buffer_.size()));
    if (!went_on(fd, connection, size)) return false;
    const int sent = SSL_write(connection.ssl, buffer_.data(), size);
    if (sent == size) [[likely]]
      return true;
    connection.backlog.assign(buffer_.data() + (sent > 0 ? sent : 0), buffer_.data() + size);
    if (sent <= 0 && !went_on(fd, connection, sent)) return false;
    return flush(fd, connection);
  }

  bool flush(int fd, Connection& connection) {
    while (!connection.backlog.empty()) {
      const int sent = SSL_write(connection.ssl, connection.backlog.data(),
                                 static_cast<int>(connection.backlog.size()));
      if (!went_on(fd, connection, sent)) return false;
      connection.backlog.erase(0, static_cast<std::size_t>(sent));
    }
    return true;
  }

  // What OpenSSL's call with this result says: true if it has succeeded; else waits for what it
  // wants, or closes.
  bool went_on(int fd, Connection& connection, int result) {
    std::uint32_t wanted = EPOLLIN;
    if (result <= 0) {
      const int error = SSL_get_error(connection.ssl, result);
      if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
        ERR_clear_error();
        SSL_free(connection.ssl);
        connection = Connection();
        close(fd);
        return false;
      }
      if (error == SSL_ERROR_WANT_WRITE) wanted = EPOLLOUT;
    }
    if (connection.interest != wanted) control(EPOLL_CTL_MOD, fd, connection.interest = wanted);
    return result > 0;
  }

  void control(int operation, int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    if (epoll_ctl(epoll_, operation, fd, &event) != 0) fail("epoll_ctl");
  }

  const int epoll_;
  const int listener_;
  SSL_CTX* const context_;
  std::array<char, kBufferBytes> buffer_;
  std::vector<Connection> connections_;  // by descriptor
};

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  bench::CommandLine line(argc, argv);
  bench::ServerOptions options;
  options.host = line.text("--host", options.host);
  options.port = static_cast<std::uint16_t>(line.number("--port", 0, 0, 65'535));
  const std::string chain = line.text("--certificate", "");
  const std::string key = line.text("--key", "");
  line.finish();
  SSL_CTX* const context = bench::make_context(chain, key);
  bench::TlsServer(bench::listen_and_announce(options, SOCK_NONBLOCK), context).run();
}
