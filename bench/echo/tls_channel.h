#pragma once

#include <memory>

#include "bench/echo/load_channel.h"

struct ssl_ctx_st;

namespace bench {

// The client's side of TLS for all connections of the load. Believes any certificate: the servers
// are the loader's own.
class TlsClient {
 public:
  // Throws std::runtime_error.
  TlsClient();
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  // Shakes hands over `fd`, a connected TCP socket that blocks still. The channel can be used when
  // it does not block any more, as long as this object lives. Throws std::runtime_error.
  std::unique_ptr<LoadChannel> shake_hands(int fd);

 private:
  ssl_ctx_st* const context_;
};

}  // namespace bench
