#include "samples/load_test/connector.h"

#include <algorithm>

#include "colibri/colibri.h"
#include "samples/load_test/interrupt.h"

namespace load_test {
namespace {

// Few enough for the usual backlog of a listener: an overflow costs a retransmission of a second.
constexpr std::uint32_t kConnectingAtOnce = 64;

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
    try {
      auto opened = dialer_.dial(share.first + next_++);
      latest_success_ = Clock::now();
      (sends ? statistics_.established : statistics_.idle_established).add(1);
      (sends ? sending : idle).push_back(std::move(opened));
    } catch (const CannotConnect& failure) {
      note_failure(failure);
    }
  }
}

void Connector::note_failure(const CannotConnect& failure) {
  statistics_.count_error(failure.kind());
  if (statistics_.first_error.empty()) statistics_.first_error = failure.what();
  const bool none_yet = sending.empty() && idle.empty();
  if (none_yet || Clock::now() - latest_success_ >= options_.connect_timeout) given_up_ = true;
}

}  // namespace load_test
