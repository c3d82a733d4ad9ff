#include "samples/load_test/tls_transport.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <new>
#include <stdexcept>

namespace load_test {
namespace {

int as_int(std::size_t size) {
  return static_cast<int>(std::min<std::size_t>(size, std::numeric_limits<int>::max()));
}

/// The oldest of OpenSSL's errors on this thread, in words, and forgets them all.
std::string take_error() {
  const unsigned long error = ERR_get_error();
  ERR_clear_error();
  const char* reason = ERR_reason_error_string(error);
  return reason != nullptr ? reason : "TLS failed";
}

bool is_address(const std::string& host) {
  in6_addr address;
  return inet_pton(AF_INET, host.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

// How OpenSSL writes: to the socket, without waiting. It does not read from the socket: while a
// coroutine waits for bytes there, others must be able to send by the same SSL object.
int write_to_socket(BIO* bio, const char* data, std::size_t size, std::size_t* written) {
  const int socket = static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
  BIO_clear_retry_flags(bio);
  const ssize_t sent = ::send(socket, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  *written = sent > 0 ? static_cast<std::size_t>(sent) : 0;
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return sent > 0 ? 1 : 0;
}

long control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO* make_writer(int socket) {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "load_test");
    if (made == nullptr) throw std::bad_alloc();
    BIO_meth_set_write_ex(made, write_to_socket);
    BIO_meth_set_ctrl(made, control);
    return made;
  }();
  BIO* bio = BIO_new(method);
  if (bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket)));
  BIO_set_init(bio, 1);
  return bio;
}

/// Bytes come into OpenSSL by way of a buffer: they are received by a plain call that waits, when
/// OpenSSL has none left.
class TlsTransport final : public Transport {
 public:
  TlsTransport(Descriptor socket, SSL_CTX* context)
      : Transport(std::move(socket)), ssl_(SSL_new(context), &SSL_free) {
    BIO* incoming = ssl_ != nullptr ? BIO_new(BIO_s_mem()) : nullptr;
    if (incoming == nullptr) throw std::bad_alloc();
    BIO_set_mem_eof_return(incoming, -1);  // empty, and not at the end
    SSL_set_bio(ssl_.get(), incoming, make_writer(descriptor()));
    SSL_set_connect_state(ssl_.get());
  }

  SSL* ssl() { return ssl_.get(); }

  ssize_t receive(std::span<std::byte> buffer) override {
    return perform([&] { return SSL_read(ssl(), buffer.data(), as_int(buffer.size())); });
  }

  ssize_t send(std::span<const std::byte> bytes) override {
    ERR_clear_error();
    errno = 0;
    const int size = SSL_write(ssl(), bytes.data(), as_int(bytes.size()));
    if (size > 0) return size;
    return fail(SSL_get_error(ssl(), size));
  }

  std::string reason(int error) const override {
    return error == EPROTO ? reason_ : Transport::reason(error);
  }

  /// Makes a call of OpenSSL's until it has succeeded, and waits where it has to.
  template <class Call>
  ssize_t perform(Call call) {
    for (;;) {
      ERR_clear_error();
      errno = 0;
      const int result = call();
      if (result > 0) return result;
      const int error = SSL_get_error(ssl(), result);
      if (error == SSL_ERROR_ZERO_RETURN) return 0;
      if (error == SSL_ERROR_WANT_READ) {
        const ssize_t size = feed();
        if (size <= 0) return size;
      } else if (error == SSL_ERROR_WANT_WRITE) {
        pollfd room{descriptor(), POLLOUT, 0};
        if (::poll(&room, 1, -1) < 0 && errno != EINTR) return -1;
      } else {
        return fail(error);
      }
    }
  }

 private:
  /// As recv.
  ssize_t feed() {
    ssize_t size;
    do size = ::recv(descriptor(), incoming_.data(), incoming_.size(), 0);
    while (size < 0 && errno == EINTR);
    if (size > 0) BIO_write(SSL_get_rbio(ssl()), incoming_.data(), static_cast<int>(size));
    return size;
  }

  /// -1, with the reason in errno.
  ssize_t fail(int error) {
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
      errno = EAGAIN;
    } else if (error != SSL_ERROR_SYSCALL || errno == 0) {
      const long verdict = SSL_get_verify_result(ssl());
      reason_ = take_error();
      if (verdict != X509_V_OK) {
        reason_ += std::string(" (") + X509_verify_cert_error_string(verdict) + ')';
      }
      errno = EPROTO;
    }
    return -1;
  }

  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  std::string reason_;
  std::array<std::byte, 4096> incoming_;  // not on the stack of the one who waits
};

std::shared_ptr<SSL_CTX> make_context(const TlsClient::Settings& settings) {
  ERR_clear_error();
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  if (context == nullptr) throw std::bad_alloc();
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  // A renegotiation would make a write wait for bytes.
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(context.get(), settings.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  const bool believes =
      settings.authorities.empty()
          ? SSL_CTX_set_default_verify_paths(context.get()) == 1
          : SSL_CTX_load_verify_file(context.get(), settings.authorities.c_str()) == 1;
  if (!believes) {
    throw std::runtime_error("cannot read certificates from '" + settings.authorities +
                             "': " + take_error());
  }
  return context;
}

/// Only a certificate for `host` is good enough. A name is sent, too, and an address is not (SNI).
void expect(SSL* ssl, const std::string& host) {
  const bool done = is_address(host)
                        ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1
                        : SSL_set1_host(ssl, host.c_str()) == 1 &&
                              SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                                       const_cast<char*>(host.c_str())) == 1;
  if (!done) throw std::runtime_error("no name for a certificate: '" + host + "'");
}

}  // namespace

TlsClient::TlsClient(const Settings& settings)
    : settings_(settings), context_(make_context(settings)) {}

std::unique_ptr<Transport> TlsClient::shake_hands(Descriptor socket, std::string& reason) const {
  auto transport = std::make_unique<TlsTransport>(std::move(socket), context_.get());
  expect(transport->ssl(), settings_.host);
  const ssize_t result = transport->perform([&] { return SSL_do_handshake(transport->ssl()); });
  if (result > 0) return transport;
  if (result == 0) errno = ECONNRESET;
  const int error = errno;
  reason = result == 0 ? "the server ended the connection within the handshake"
                       : transport->reason(error);
  transport.reset();
  errno = error;
  return nullptr;
}

}  // namespace load_test
