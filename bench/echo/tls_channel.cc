#include "bench/echo/tls_channel.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <stdexcept>
#include <string>

namespace bench {
namespace {

[[noreturn]] void fail(const std::string& what) {
  const char* const reason = ERR_reason_error_string(ERR_get_error());
  throw std::runtime_error(what + ": " + (reason != nullptr ? reason : "the connection broke"));
}

class TlsChannel : public LoadChannel {
 public:
  TlsChannel(SSL_CTX* context, int fd) : ssl_(SSL_new(context)) {
    if (ssl_ == nullptr || SSL_set_fd(ssl_, fd) != 1) fail("prepare TLS");
    if (SSL_connect(ssl_) != 1) fail("shake hands by TLS");
  }
  ~TlsChannel() override { SSL_free(ssl_); }
  TlsChannel(const TlsChannel&) = delete;
  TlsChannel& operator=(const TlsChannel&) = delete;

  ssize_t send(std::span<const char> bytes) override {
    return result_of(SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())), "write by TLS");
  }
  ssize_t receive(std::span<char> buffer) override {
    return result_of(SSL_read(ssl_, buffer.data(), static_cast<int>(buffer.size())), "read by TLS");
  }
  // What was received with it may wait in OpenSSL's own buffer.
  bool short_receive_empties() const override { return false; }

 private:
  ssize_t result_of(int result, const char* what) {
    if (result > 0) return result;
    switch (SSL_get_error(ssl_, result)) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE:
        errno = EAGAIN;
        return -1;
      case SSL_ERROR_ZERO_RETURN:
        return 0;
      default:
        fail(what);
    }
  }

  SSL* const ssl_;
};

}  // namespace

TlsClient::TlsClient() : context_(SSL_CTX_new(TLS_client_method())) {
  if (context_ == nullptr) fail("prepare TLS");
  SSL_CTX_set_read_ahead(context_, 1);
  SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

TlsClient::~TlsClient() {
  SSL_CTX_free(context_);
}

std::unique_ptr<LoadChannel> TlsClient::shake_hands(int fd) {
  return std::make_unique<TlsChannel>(context_, fd);
}

}  // namespace bench
