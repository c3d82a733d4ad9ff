// TlsServerContext and TlsClientContext: what all TLS connections of a server, or of a client, have
// in common.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace colibri {

namespace net_detail {
struct TlsServerState;
struct TlsClientState;
}  // namespace net_detail

/// Files in PEM. The chain: the certificate itself first, then those that vouch for it.
struct TlsCertificate {
  std::string chain_file;
  std::string key_file;
};

struct TlsServerOptions {
  TlsCertificate certificate;
  /// For clients that ask for a host of this name (SNI); for others, and other names, the first
  /// one holds.
  std::map<std::string, TlsCertificate> other_names{};
  /// Protocols of the application (ALPN), the preferred first. A client that names none of them is
  /// refused, unless it names none at all.
  std::vector<std::string> protocols{};
  /// Not empty: clients must have a certificate for which one of this file vouches.
  std::string client_authorities_file{};
  /// Of the whole handshake. Zero: for ever.
  std::chrono::milliseconds handshake_timeout = std::chrono::seconds(10);
};

struct TlsClientOptions {
  /// Whom to believe; empty: what the system does.
  std::string authorities_file{};
  /// False: believes anybody, and so protects from nobody who is between. For tests.
  bool verify = true;
  /// Protocols of the application (ALPN), the preferred first.
  std::vector<std::string> protocols{};
  /// For servers that want one.
  TlsCertificate certificate{};
  /// Of the whole handshake. Zero: for ever.
  std::chrono::milliseconds handshake_timeout = std::chrono::seconds(10);
};

/// Certificates, read once. A handle; any thread.
class TlsServerContext {
 public:
  /// Throws std::system_error that names the file, if it is not there or holds no certificate or
  /// key, if the two do not belong together, or if the certificate is out of date.
  explicit TlsServerContext(const TlsServerOptions& options);

 private:
  friend class TlsStream;
  std::shared_ptr<net_detail::TlsServerState> state_;
};

/// Whom to believe, and sessions that can be resumed, the last of each host. A handle; any thread.
class TlsClientContext {
 public:
  /// Throws as TlsServerContext.
  explicit TlsClientContext(const TlsClientOptions& options = {});

 private:
  friend class TlsStream;
  std::shared_ptr<net_detail::TlsClientState> state_;
};

}  // namespace colibri
