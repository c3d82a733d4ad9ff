#include "colibri/net/tls_stream.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <new>
#include <stdexcept>

#include "colibri/net/net_error.h"
#include "colibri/net/tls_context_state.h"
#include "colibri/net/tls_error.h"
#include "colibri/net/tls_transport.h"

namespace colibri {
namespace {

using net_detail::CallDeadline;

bool is_address(const std::string& host) noexcept {
  in6_addr address;
  return inet_pton(AF_INET, host.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

}  // namespace

/// In the heap, since OpenSSL's objects refer to it. What OpenSSL notes of errors on the thread is
/// read before anybody else runs.
struct TlsStream::State : net_detail::TlsTransport {
  State(TcpStream connected, SSL_CTX* context)
      : TlsTransport(std::move(connected)), ssl(SSL_new(context)) {
    if (ssl == nullptr) throw std::bad_alloc();
    BIO* bio = net_detail::make_bio(*this);
    SSL_set_bio(ssl.get(), bio, bio);
  }

  /// Makes a call of OpenSSL's until it has succeeded, and waits where it wants to. 0 at the
  /// declared end of the stream.
  template <class Call>
  int perform(const char* what, CallDeadline deadline, Call call) {
    if (!net_detail::may_begin_call()) stream.fail(what);
    for (;;) {
      ERR_clear_error();
      const int result = call();
      if (result > 0) return result;
      switch (SSL_get_error(ssl.get(), result)) {
        case SSL_ERROR_WANT_READ:
          wait(what, Direction::kRead, deadline);
          break;
        case SSL_ERROR_WANT_WRITE:
          wait(what, Direction::kWrite, deadline);
          break;
        case SSL_ERROR_ZERO_RETURN:
          return 0;
        default:
          fail(what);
      }
    }
  }

  void wait(const char* what, Direction direction, CallDeadline& deadline) {
    if (!net_detail::wait_for(stream.descriptor(), direction, deadline.get())) stream.fail(what);
  }

  [[noreturn]] void fail(const char* what) {
    broken = true;
    if (error != nullptr) std::rethrow_exception(std::exchange(error, nullptr));
    if (at_end) {
      errno = ECONNABORTED;
      stream.fail(std::string(what) + " (cut off without the end that TLS has)");
    }
    std::string reason = net_detail::take_tls_error();
    const long verdict = SSL_get_verify_result(ssl.get());
    if (verdict != X509_V_OK && !established) {
      reason += std::string(" (") + X509_verify_cert_error_string(verdict) + ')';
    }
    errno = EPROTO;
    stream.fail(reason + ": " + what);
  }

  /// From now on only a certificate for `host` is good enough.
  void expect(const std::string& host) {
    // OpenSSL takes no name for any name.
    if (host.empty() || host.find('\0') != std::string::npos) {
      throw std::invalid_argument("TLS needs the host that the certificate must be for");
    }
    ERR_clear_error();
    SSL_set_hostflags(ssl.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    // The last is what SSL_set_tlsext_host_name stands for, but for its cast.
    const bool done =
        is_address(host)
            ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), host.c_str()) == 1
            : SSL_set1_host(ssl.get(), host.c_str()) == 1 &&
                  SSL_ctrl(ssl.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                           const_cast<char*>(host.c_str())) == 1;
    if (!done) net_detail::throw_tls_error("ask for the certificate of \"" + host + '"');
  }

  void shake_hands(std::chrono::milliseconds timeout) {
    perform("shake hands by TLS with", CallDeadline(timeout),
            [this] { return SSL_do_handshake(ssl.get()); });
    established = true;
  }

  std::unique_ptr<SSL, net_detail::TlsReleaser<SSL_free>> ssl;
  net_detail::TlsSessionKey session_key;  // a client's
  bool established = false;
  bool broken = false;  // an error has made it useless
};

TlsStream::TlsStream() noexcept = default;
TlsStream::TlsStream(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
TlsStream::TlsStream(TlsStream&&) noexcept = default;
TlsStream& TlsStream::operator=(TlsStream&& other) noexcept {
  if (this != &other) {
    close();
    state_ = std::move(other.state_);
  }
  return *this;
}
TlsStream::~TlsStream() {
  close();
}

TlsStream TlsStream::accept(TcpStream stream, const TlsServerContext& context) {
  auto state = std::make_unique<State>(std::move(stream), context.state_->context.get());
  SSL_set_accept_state(state->ssl.get());
  state->shake_hands(context.state_->handshake_timeout);
  return TlsStream(std::move(state));
}

TlsStream TlsStream::connect(TcpStream stream, const std::string& host,
                             const TlsClientContext& context) {
  auto state = std::make_unique<State>(std::move(stream), context.state_->context.get());
  SSL* ssl = state->ssl.get();
  SSL_set_connect_state(ssl);
  state->expect(host);
  // Ports are servers of their own.
  state->session_key = {host + ' ' + std::to_string(state->stream.peer_address().port()),
                        context.state_};
  SSL_set_app_data(ssl, &state->session_key);
  if (const auto session = context.state_->sessions.of(state->session_key.host)) {
    SSL_set_session(ssl, session.get());
  }
  state->shake_hands(context.state_->handshake_timeout);
  return TlsStream(std::move(state));
}

// Reading and writing ----------------------------------------------------------------------------

std::size_t TlsStream::read_some(std::span<std::byte> buffer) {
  if (buffer.empty()) return 0;
  const int room =
      static_cast<int>(std::min<std::size_t>(buffer.size(), std::numeric_limits<int>::max()));
  return static_cast<std::size_t>(
      state_->perform("read by TLS from", CallDeadline(tcp().timeouts().idle),
                      [&] { return SSL_read(state_->ssl.get(), buffer.data(), room); }));
}

bool TlsStream::read_exactly(std::span<std::byte> buffer) {
  if (buffer.empty()) return true;
  std::size_t done = read_some(buffer);
  if (done == 0) return false;
  const CallDeadline deadline(CallDeadline(tcp().timeouts().read).get());
  while (done != buffer.size()) {
    const std::span<std::byte> rest = buffer.subspan(done);
    const int room =
        static_cast<int>(std::min<std::size_t>(rest.size(), std::numeric_limits<int>::max()));
    const int more = state_->perform("read by TLS from", deadline, [&] {
      return SSL_read(state_->ssl.get(), rest.data(), room);
    });
    if (more == 0) {
      errno = ECONNABORTED;
      tcp().fail("the stream ended after " + std::to_string(done) + " of " +
                 std::to_string(buffer.size()) + " bytes from");
    }
    done += static_cast<std::size_t>(more);
  }
  return true;
}

void TlsStream::write_all(std::span<const std::byte> bytes) {
  const CallDeadline deadline(CallDeadline(tcp().timeouts().write).get());
  while (!bytes.empty()) {
    const int size =
        static_cast<int>(std::min<std::size_t>(bytes.size(), std::numeric_limits<int>::max()));
    const int sent = state_->perform("write by TLS to", deadline, [&] {
      return SSL_write(state_->ssl.get(), bytes.data(), size);
    });
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
}

void TlsStream::wait_readable() {
  if (SSL_has_pending(state_->ssl.get()) == 0) tcp().wait_readable();
}

void TlsStream::shutdown_write() {
  state_->perform("end the TLS stream to", CallDeadline(tcp().timeouts().write), [this] {
    // 0: sent, and the peer's own end has not come yet, which is fine.
    const int result = SSL_shutdown(state_->ssl.get());
    return result == 0 ? 1 : result;
  });
}

void TlsStream::close() noexcept {
  if (state_ == nullptr) return;
  if (state_->established && !state_->broken && state_->stream.is_open()) {
    ERR_clear_error();
    SSL_shutdown(state_->ssl.get());
    ERR_clear_error();
  }
  state_.reset();
}

bool TlsStream::is_open() const noexcept {
  return state_ != nullptr;
}

// What was agreed --------------------------------------------------------------------------------

std::string TlsStream::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(state_->ssl.get(), &name, &size);
  return std::string(reinterpret_cast<const char*>(name), size);
}

std::string TlsStream::version() const {
  return SSL_get_version(state_->ssl.get());
}

std::string TlsStream::server_name() const {
  const char* name = SSL_get_servername(state_->ssl.get(), TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? name : "";
}

bool TlsStream::resumed() const noexcept {
  return SSL_session_reused(state_->ssl.get()) == 1;
}

std::string TlsStream::peer_subject() const {
  const X509* certificate = SSL_get0_peer_certificate(state_->ssl.get());
  if (certificate == nullptr) return "";
  char name[256];
  X509_NAME_oneline(X509_get_subject_name(certificate), name, sizeof name);
  return name;
}

void TlsStream::fail(std::string_view what) const {
  state_->stream.fail(what);
}

TcpStream& TlsStream::tcp() noexcept {
  return state_->stream;
}

}  // namespace colibri
