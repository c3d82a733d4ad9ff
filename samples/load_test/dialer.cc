#include "samples/load_test/dialer.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "colibri/colibri.h"

namespace load_test {
namespace {

// Linux gives an address 28,232 ports towards one target, and tries those of one parity first.
// When these 14,116 are used up each further connect searches them all in vain: 19,000 connections
// took 10 s from one address, and 1 s from two.
constexpr std::uint32_t kConnectionsPerSource = 12'000;
constexpr std::uint32_t kMostSources = 4'000;

}  // namespace

std::unique_ptr<Transport> Dialer::dial(std::uint32_t number) {
  colibri::TimeLimit limit(options_.connect_timeout);
  Descriptor socket = connect(number);
  if (!socket.valid()) fail(errno, std::strerror(errno));
  if (tls_ == nullptr) return make_plain_transport(std::move(socket));
  std::string reason;
  auto transport = tls_->shake_hands(std::move(socket), reason);
  if (transport == nullptr) fail(errno, reason);
  return transport;
}

Descriptor Dialer::connect(std::uint32_t number) {
  const std::uint32_t base = number / kConnectionsPerSource;
  for (;;) {
    const std::uint32_t source_number = base + source_shift_;
    const Endpoint source = loopback_source(source_number);
    const bool bound = target_.is_ipv4_loopback() && source_number != 0;
    Descriptor opened = connect_to(target_, bound ? &source : nullptr, options_.connect_timeout);
    if (opened.valid() || errno != EADDRNOTAVAIL || !target_.is_ipv4_loopback()) return opened;
    // Other programs use the ports of this address. Another coroutine may have moved on already.
    if (source_number >= kMostSources) return opened;
    source_shift_ = std::max(source_shift_, source_number + 1 - base);
  }
}

void Dialer::fail(int error, const std::string& reason) const {
  throw CannotConnect(kind_of_errno(error),
                      "cannot connect to " + target_.numeric() + ": " + reason);
}

}  // namespace load_test
