// How OpenSSL reads and writes: through a stream of net's, without ever waiting.
#pragma once

#include <openssl/bio.h>

#include <exception>

#include "colibri/net/tcp_stream.h"

namespace colibri::net_detail {

/// What OpenSSL's calls end up at. Stays where it is as long as its BIO lives. Exceptions must not
/// pass through C: they are kept here.
struct TlsTransport {
  explicit TlsTransport(TcpStream connected) noexcept : stream(std::move(connected)) {}

  TcpStream stream;
  std::exception_ptr error;  // of the last call
  bool at_end = false;       // TCP has ended
};

/// A new BIO on `transport`, the caller's. Throws std::bad_alloc.
BIO* make_bio(TlsTransport& transport);

}  // namespace colibri::net_detail
