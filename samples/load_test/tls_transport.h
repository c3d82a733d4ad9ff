// TLS on a connection, by OpenSSL.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "samples/load_test/transport.h"

struct ssl_ctx_st;

namespace load_test {

/// What all TLS connections of a run have in common. Any thread.
class TlsClient {
 public:
  struct Settings {
    std::string host;           // for which the certificate must be: a name or an address
    std::string authorities{};  // a file in PEM; empty: whom the system believes
    bool verify = true;
  };

  /// Throws std::runtime_error with a sentence, if the file is not there or has no certificate.
  explicit TlsClient(const Settings& settings);

  /// Shakes hands over `socket`, in a coroutine; a TimeLimit holds. Every connection is a new
  /// session: what is measured is what strangers cost. Null: no, with the reason in errno (EPROTO
  /// for all that TLS finds wrong) and in words in `reason`.
  std::unique_ptr<Transport> shake_hands(Descriptor socket, std::string& reason) const;

 private:
  const Settings settings_;
  const std::shared_ptr<ssl_ctx_st> context_;
};

}  // namespace load_test
