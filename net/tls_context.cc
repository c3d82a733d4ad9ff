#include "colibri/net/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <string_view>

#include "colibri/net/net_error.h"
#include "colibri/net/tls_context_state.h"
#include "colibri/net/tls_error.h"

namespace colibri {
namespace {

using net_detail::throw_error;
using net_detail::throw_tls_error;
using net_detail::TlsClientState;
using net_detail::TlsContextPointer;
using net_detail::TlsContextsByName;
using net_detail::TlsProtocols;
using net_detail::TlsServerState;
using net_detail::TlsSessionKey;
using net_detail::TlsSessionPointer;

TlsContextPointer make_context(const SSL_METHOD* method) {
  ERR_clear_error();
  TlsContextPointer context(SSL_CTX_new(method));
  if (context == nullptr) throw_tls_error("make a TLS context");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // A write may send a part, and go on from another place: what was written last may lie on a
  // stack that has been elsewhere meanwhile.
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // One call takes header and body of a record, and several records.
  SSL_CTX_set_read_ahead(context.get(), 1);
  return context;
}

void refuse_unless_in_time(const X509& certificate, const std::string& file) {
  if (X509_cmp_current_time(X509_get0_notAfter(&certificate)) < 0) {
    throw_error(EKEYEXPIRED, "use the certificate in " + file);
  }
  if (X509_cmp_current_time(X509_get0_notBefore(&certificate)) > 0) {
    throw_error(EKEYREJECTED, "use the certificate in " + file + ", which is not valid yet");
  }
}

void load(SSL_CTX& context, const TlsCertificate& certificate) {
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(&context, certificate.chain_file.c_str()) != 1) {
    throw_tls_error("read the certificate in \"" + certificate.chain_file + '"');
  }
  refuse_unless_in_time(*SSL_CTX_get0_certificate(&context), certificate.chain_file);
  const char* key = certificate.key_file.c_str();
  if (SSL_CTX_use_PrivateKey_file(&context, key, SSL_FILETYPE_PEM) != 1) {
    throw_tls_error("read the key in \"" + certificate.key_file + "\" for the certificate in \"" +
                    certificate.chain_file + '"');
  }
}

void load_authorities(SSL_CTX& context, const std::string& file) {
  ERR_clear_error();
  if (SSL_CTX_load_verify_file(&context, file.c_str()) != 1) {
    throw_tls_error("read the authorities in \"" + file + '"');
  }
}

TlsProtocols encode(const std::vector<std::string>& protocols) {
  TlsProtocols wire;
  for (const std::string& each : protocols) {
    if (each.empty() || each.size() > 255) {
      throw std::invalid_argument("the name of a protocol has 1 to 255 bytes: \"" + each + '"');
    }
    wire.push_back(static_cast<unsigned char>(each.size()));
    wire.insert(wire.end(), each.begin(), each.end());
  }
  return wire;
}

int choose_protocol(SSL* /*ssl*/, const unsigned char** chosen, unsigned char* size,
                    const unsigned char* offered, unsigned offered_size, void* argument) {
  const auto& ours = *static_cast<const TlsProtocols*>(argument);
  unsigned char* result = nullptr;
  const int outcome = SSL_select_next_proto(
      &result, size, ours.data(), static_cast<unsigned>(ours.size()), offered, offered_size);
  *chosen = result;
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

int choose_certificate(SSL* ssl, int* /*alert*/, void* argument) {
  const auto& by_name = *static_cast<const TlsContextsByName*>(argument);
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  const auto found = by_name.find(std::string_view(name));
  if (found != by_name.end()) SSL_set_SSL_CTX(ssl, found->second.get());
  return SSL_TLSEXT_ERR_OK;
}

/// One for each certificate.
TlsContextPointer make_server_context(const TlsServerOptions& options,
                                      const TlsCertificate& certificate, TlsProtocols& protocols) {
  TlsContextPointer context = make_context(TLS_server_method());
  load(*context, certificate);
  constexpr unsigned char kSessions[] = "colibri";
  SSL_CTX_set_session_id_context(context.get(), kSessions, sizeof kSessions);
  if (!options.client_authorities_file.empty()) {
    load_authorities(*context, options.client_authorities_file);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  if (!protocols.empty()) SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, &protocols);
  return context;
}

/// A session that can be resumed has come. 1: it is ours now.
int note_session(SSL* ssl, SSL_SESSION* session) {
  const auto* key = static_cast<const TlsSessionKey*>(SSL_get_app_data(ssl));
  if (key == nullptr) return 0;
  TlsSessionPointer owned(session);
  try {
    key->context->sessions.keep(key->host, std::move(owned));
  } catch (const std::bad_alloc&) {
    // The next handshake is a full one.
  }
  return 1;
}

}  // namespace

TlsServerContext::TlsServerContext(const TlsServerOptions& options)
    : state_(std::make_shared<TlsServerState>()) {
  state_->handshake_timeout = options.handshake_timeout;
  state_->protocols = encode(options.protocols);
  state_->context = make_server_context(options, options.certificate, state_->protocols);
  for (const auto& [name, certificate] : options.other_names) {
    state_->by_name.emplace(name, make_server_context(options, certificate, state_->protocols));
  }
  // What the macros of these names stand for, but for their casts.
  SSL_CTX_callback_ctrl(state_->context.get(), SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                        reinterpret_cast<void (*)()>(choose_certificate));
  SSL_CTX_ctrl(state_->context.get(), SSL_CTRL_SET_TLSEXT_SERVERNAME_ARG, 0, &state_->by_name);
}

TlsClientContext::TlsClientContext(const TlsClientOptions& options)
    : state_(std::make_shared<TlsClientState>()) {
  state_->handshake_timeout = options.handshake_timeout;
  state_->verify = options.verify;
  state_->protocols = encode(options.protocols);
  state_->context = make_context(TLS_client_method());
  SSL_CTX& context = *state_->context;
  if (!options.authorities_file.empty()) {
    load_authorities(context, options.authorities_file);
  } else {
    SSL_CTX_set_default_verify_paths(&context);
  }
  SSL_CTX_set_verify(&context, options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (!options.certificate.chain_file.empty()) load(context, options.certificate);
  if (!state_->protocols.empty()) {
    SSL_CTX_set_alpn_protos(&context, state_->protocols.data(),
                            static_cast<unsigned>(state_->protocols.size()));
  }
  SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(&context, note_session);
}

namespace net_detail {

TlsSessionPointer TlsSessions::of(const std::string& host) {
  const SmallLockGuard guard(lock_);
  const auto found = sessions_.find(host);
  if (found == sessions_.end()) return nullptr;
  SSL_SESSION_up_ref(found->second.get());
  return TlsSessionPointer(found->second.get());
}

void TlsSessions::keep(const std::string& host, TlsSessionPointer session) {
  const SmallLockGuard guard(lock_);
  if (sessions_.size() >= kMost && !sessions_.contains(host)) sessions_.erase(sessions_.begin());
  sessions_[host] = std::move(session);
}

}  // namespace net_detail
}  // namespace colibri
