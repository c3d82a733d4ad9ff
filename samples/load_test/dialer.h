// Opens connections of a worker: TCP from whatever source address has ports left, then TLS.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include "samples/load_test/endpoint.h"
#include "samples/load_test/options.h"
#include "samples/load_test/statistics.h"
#include "samples/load_test/tls_transport.h"
#include "samples/load_test/transport.h"

namespace load_test {

/// A connection that could not be opened: what() is a sentence.
class CannotConnect : public std::runtime_error {
 public:
  CannotConnect(ErrorKind kind, const std::string& reason)
      : std::runtime_error(reason), kind_(kind) {}

  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

/// For the coroutines of one thread.
class Dialer {
 public:
  /// `tls` null: no TLS. All must outlive the dialer.
  Dialer(const Options& options, const Endpoint& target, const TlsClient* tls)
      : options_(options), target_(target), tls_(tls) {}

  /// In a coroutine; takes Options::connect_timeout at most. `number` is unique among the
  /// connections of the run, and spreads them over source addresses. Throws CannotConnect.
  std::unique_ptr<Transport> dial(std::uint32_t number);

 private:
  Descriptor connect(std::uint32_t number);
  [[noreturn]] void fail(int error, const std::string& reason) const;

  const Options& options_;
  const Endpoint& target_;
  const TlsClient* const tls_;
  std::uint32_t source_shift_ = 0;  // loopback addresses found to be out of ports
};

}  // namespace load_test
