// What stands behind the contexts of tls_context.h.
#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "colibri/core/small_lock.h"

namespace colibri::net_detail {

/// Frees objects of OpenSSL's by their own function.
template <auto release>
struct TlsReleaser {
  template <class Object>
  void operator()(Object* object) const noexcept {
    release(object);
  }
};
using TlsContextPointer = std::unique_ptr<SSL_CTX, TlsReleaser<SSL_CTX_free>>;
using TlsSessionPointer = std::unique_ptr<SSL_SESSION, TlsReleaser<SSL_SESSION_free>>;
using TlsContextsByName = std::map<std::string, TlsContextPointer, std::less<>>;
/// Names of protocols as on the wire: each after its length.
using TlsProtocols = std::vector<unsigned char>;

/// Stays where it is, since OpenSSL's callbacks refer to it. Read by all threads.
struct TlsServerState {
  TlsContextPointer context;
  TlsContextsByName by_name;
  TlsProtocols protocols;
  std::chrono::milliseconds handshake_timeout{};
};

/// The same, with sessions, which have a lock.
class TlsSessions {
 public:
  /// The session of this host, to be resumed; null: none.
  TlsSessionPointer of(const std::string& host);
  /// In place of the host's former one. Throws std::bad_alloc.
  void keep(const std::string& host, TlsSessionPointer session);

 private:
  static constexpr std::size_t kMost = 1000;
  SmallLock lock_;  // over the sessions; never held over a wait
  std::map<std::string, TlsSessionPointer> sessions_;
};

struct TlsClientState {
  TlsContextPointer context;
  bool verify = true;
  TlsProtocols protocols;
  std::chrono::milliseconds handshake_timeout{};
  TlsSessions sessions;
};

/// For which host a session is that comes over a connection: what that has as OpenSSL's application
/// data. Lives as long as the connection.
struct TlsSessionKey {
  std::string host;
  std::shared_ptr<TlsClientState> context;
};

}  // namespace colibri::net_detail
