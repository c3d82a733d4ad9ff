#include "samples/load_test/connector.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "colibri/colibri.h"
#include "samples/load_test/interrupt.h"

namespace load_test {
namespace {

// Few enough for the usual backlog of a listener: an overflow costs a retransmission of a second.
constexpr std::uint32_t kConnectingAtOnce = 64;

// Linux gives an address 28,232 ports towards one target, and tries those of one parity first.
// When these 14,116 are used up each further connect searches them all in vain: 19,000 connections
// took 10 s from one address, and 1 s from two.
constexpr std::uint32_t kConnectionsPerSource = 12'000;
constexpr std::uint32_t kMostSources = 4'000;

constexpr std::chrono::milliseconds kLook{2};

}  // namespace

void Connector::open(const Share& share) {
  busy_ = std::min(kConnectingAtOnce, share.sending + share.idle);
  latest_success_ = Clock::now();
  const std::uint32_t coroutines = busy_;
  for (std::uint32_t i = 0; i < coroutines; ++i) {
    colibri::go([this, share] {
      open_one_after_another(share);
      --busy_;
    });
  }
  while (busy_ != 0) colibri::sleep_for(kLook);
}

void Connector::open_one_after_another(const Share& share) {
  while (!given_up_ && !interrupted() && next_ < share.sending + share.idle) {
    const bool sends = next_ < share.sending;
    Descriptor opened = open_one(share.first + next_++);
    if (!opened.valid()) {
      note_failure(errno);
      continue;
    }
    latest_success_ = Clock::now();
    (sends ? statistics_.established : statistics_.idle_established).add(1);
    (sends ? sending : idle).push_back(std::move(opened));
  }
}

Descriptor Connector::open_one(std::uint32_t number) {
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

void Connector::note_failure(int error) {
  statistics_.count_error(kind_of_errno(error));
  if (statistics_.first_error.empty()) {
    statistics_.first_error =
        "cannot connect to " + target_.numeric() + ": " + std::strerror(error);
  }
  const bool none_yet = sending.empty() && idle.empty();
  if (none_yet || Clock::now() - latest_success_ >= options_.connect_timeout) given_up_ = true;
}

}  // namespace load_test
