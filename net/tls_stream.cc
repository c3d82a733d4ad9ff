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
#include "colibri/net/stream_reads.h"
#include "colibri/net/tls_context_state.h"
#include "colibri/net/tls_error.h"
#include "colibri/net/tls_transport.h"

namespace colibri {
namespace {

using net_detail::CallDeadline;

constexpr char kRead[] = "read by TLS from";
constexpr char kWrite[] = "write by TLS to";

/// As OpenSSL takes it.
int size_of(std::span<const std::byte> bytes) noexcept {
  return static_cast<int>(std::min<std::size_t>(bytes.size(), std::numeric_limits<int>::max()));
}

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

  /// Makes a call of OpenSSL's: its result; 0 at the declared end of the stream; nothing if it has
  /// to wait, and for which direction.
  template <class Call>
  std::optional<int> attempt(const char* what, Direction& direction, Call call) {
    ERR_clear_error();
    const int result = call();
    if (result > 0) return result;
    switch (SSL_get_error(ssl.get(), result)) {
      case SSL_ERROR_WANT_READ:
        direction = Direction::kRead;
        return std::nullopt;
      case SSL_ERROR_WANT_WRITE:
        direction = Direction::kWrite;
        return std::nullopt;
      case SSL_ERROR_ZERO_RETURN:
        return 0;
      default:
        fail(what);
    }
  }

  /// Makes it until it has succeeded, and waits where it wants to.
  template <class Call>
  int perform(const char* what, CallDeadline deadline, Call call) {
    if (!net_detail::may_begin_call()) stream.fail(what);
    for (;;) {
      Direction direction{};
      if (const std::optional<int> result = attempt(what, direction, call)) return *result;
      wait(what, direction, deadline);
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

  /// `timeout`: zero for none.
  void shake_hands(std::chrono::milliseconds timeout, Deadline deadline) {
    if (timeout.count() != 0) deadline = std::min(deadline, Deadline::after(timeout));
    perform("shake hands by TLS with", deadline, [this] { return SSL_do_handshake(ssl.get()); });
    established = true;
  }

  std::size_t read(std::span<std::byte> buffer, const CallDeadline& deadline) {
    return static_cast<std::size_t>(perform(
        kRead, deadline, [&] { return SSL_read(ssl.get(), buffer.data(), size_of(buffer)); }));
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

TlsStream TlsStream::accept(TcpStream stream, const TlsServerContext& context, Deadline deadline) {
  auto state = std::make_unique<State>(std::move(stream), context.state_->context.get());
  SSL_set_accept_state(state->ssl.get());
  state->shake_hands(context.state_->handshake_timeout, deadline);
  return TlsStream(std::move(state));
}

TlsStream TlsStream::connect(TcpStream stream, const std::string& host,
                             const TlsClientContext& context, Deadline deadline) {
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
  state->shake_hands(context.state_->handshake_timeout, deadline);
  return TlsStream(std::move(state));
}

// Reading and writing ----------------------------------------------------------------------------

std::size_t TlsStream::read_some(std::span<std::byte> buffer) {
  return buffer.empty() ? 0 : state_->read(buffer, CallDeadline(timeouts().idle));
}

std::optional<std::size_t> TlsStream::try_read_some(std::span<std::byte> buffer) {
  if (buffer.empty()) return 0;
  Direction direction{};
  return state_->attempt(kRead, direction, [&] {
    return SSL_read(state_->ssl.get(), buffer.data(), size_of(buffer));
  });
}

bool TlsStream::read_exactly(std::span<std::byte> buffer) {
  return net_detail::read_exactly(*this, buffer,
                                  [this](std::span<std::byte> room, const CallDeadline& deadline) {
                                    return state_->read(room, deadline);
                                  });
}

std::size_t TlsStream::read_until(std::string& buffer, std::string_view delimiter,
                                  std::size_t limit) {
  return net_detail::read_until(*this, buffer, delimiter, limit,
                                [this](std::span<std::byte> room, const CallDeadline& deadline) {
                                  return state_->read(room, deadline);
                                });
}

void TlsStream::write_all(std::span<const std::byte> bytes) {
  const CallDeadline deadline(CallDeadline(timeouts().write).get());
  while (!bytes.empty()) {
    const int sent = state_->perform(kWrite, deadline, [&] {
      return SSL_write(state_->ssl.get(), bytes.data(), size_of(bytes));
    });
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
}

std::optional<std::size_t> TlsStream::try_write_some(std::span<const std::byte> bytes) {
  if (bytes.empty()) return 0;
  Direction direction{};
  return state_->attempt(kWrite, direction, [&] {
    return SSL_write(state_->ssl.get(), bytes.data(), size_of(bytes));
  });
}

void TlsStream::wait_readable() {
  if (SSL_has_pending(state_->ssl.get()) == 0) tcp().wait_readable();
}

void TlsStream::shutdown_write() {
  state_->perform("end the TLS stream to", CallDeadline(timeouts().write), [this] {
    // 0: sent, and the peer's own end has not come yet, which is fine.
    const int result = SSL_shutdown(state_->ssl.get());
    return result == 0 ? 1 : result;
  });
}

void TlsStream::try_shutdown_write() noexcept {
  if (!state_->established || state_->broken || !state_->stream.is_open()) return;
  ERR_clear_error();
  SSL_shutdown(state_->ssl.get());
  ERR_clear_error();
}

void TlsStream::close() noexcept {
  if (state_ == nullptr) return;
  try_shutdown_write();
  state_.reset();
}

void TlsStream::reset() noexcept {
  tcp().reset();
  state_.reset();
}

TcpStream TlsStream::release() noexcept {
  TcpStream stream = std::move(state_->stream);
  state_.reset();
  return stream;
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

const StreamTimeouts& TlsStream::timeouts() const noexcept {
  return state_->stream.timeouts();
}

void TlsStream::set_timeouts(const StreamTimeouts& timeouts) noexcept {
  state_->stream.set_timeouts(timeouts);
}

void TlsStream::fail(std::string_view what) const {
  state_->stream.fail(what);
}

TcpStream& TlsStream::tcp() noexcept {
  return state_->stream;
}

}  // namespace colibri
