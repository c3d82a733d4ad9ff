// The PROXY protocol (HAProxy's, versions 1 and 2): servers behind a proxy learn who their clients
// are.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "colibri/core/deadline.h"
#include "colibri/net/address_range.h"
#include "colibri/net/proxy_header.h"
#include "colibri/net/tcp_server.h"
#include "colibri/net/tcp_stream.h"

namespace colibri {

/// Which headers are taken.
struct ProxyHeaderOptions {
  /// When the whole header must be there.
  Deadline deadline = Deadline::never();
  /// The longest header of version 2: 16 bytes, the addresses (12, 36, for Unix sockets 216), and
  /// what else the proxy was told to send.
  std::size_t most_bytes = 4096;
};

/// Reads the header with which a proxy begins a connection, and no byte behind it. Nothing if the
/// stream ends before its first byte: somebody has looked whether one can connect.
///
/// Throws ProxyHeaderError, and then is the connection to be closed: nobody must guess whether a
/// header was meant; std::system_error (connection_aborted) if the stream ends within it;
/// timed_out; what else StreamSocket's reads throw. Of the stream's own time-outs none holds here.
///
/// Whoever can connect can say anything: not to be called on what may come from elsewhere than a
/// trusted proxy (behind_proxy sees to that).
std::optional<ProxyHeader> read_proxy_header(TcpStream& stream,
                                             const ProxyHeaderOptions& options = {});

/// Whom a server behind a proxy believes.
struct TrustedProxies {
  /// Where proxies are. Others are not served: without a header nobody can tell who they are for,
  /// and what they say in one is worth nothing.
  std::vector<AddressRange> from;
  /// For the header, from the connection's beginning. Not less than 3 s over a network that loses
  /// packets, says the specification.
  std::chrono::milliseconds timeout = std::chrono::seconds(5);
  /// As in ProxyHeaderOptions.
  std::size_t most_bytes = 4096;
};

/// A handler for a TcpServer whose connections come through proxies: reads the header, then calls
/// `handler` with the stream and the header, which lies in the heap and lives until `handler`
/// returns.
///
/// A connection that ends without a byte is completed. One that comes from elsewhere, or has a bad
/// header, fails with std::system_error (permission_denied, protocol_error), one without a header
/// in time is timed out; `handler` never sees them. Throws std::invalid_argument if nobody is
/// trusted.
TcpServer::Handler behind_proxy(TrustedProxies trusted,
                                std::function<void(TcpStream&, const ProxyHeader&)> handler);

}  // namespace colibri
