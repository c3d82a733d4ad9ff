#include "colibri/net/http_connections.h"

#include "colibri/core/descriptor_wait.h"

namespace colibri::net_detail {

HttpConnections::Membership::Membership(HttpConnections& all, int descriptor) : all_(all), own_(1) {
  place_ = own_.begin();
  *place_ = {.scheduler = thread_state.scheduler, .descriptor = descriptor};
  const SmallLockGuard guard(all_.lock_);
  all_.entries_.splice(all_.entries_.end(), own_);
}

HttpConnections::Membership::~Membership() {
  const SmallLockGuard guard(all_.lock_);
  own_.splice(own_.end(), all_.entries_, place_);
}

void HttpConnections::stop() noexcept {
  // First: who parks after the loop below has looked before that, on this very thread.
  stopping_.store(true);
  const SmallLockGuard guard(lock_);
  for (const Membership::Entry& each : entries_) {
    // Those that wait for the rest of a request find nothing new, and park again.
    if (each.scheduler == thread_state.scheduler) nudge_waiters(each.descriptor, Direction::kRead);
  }
}

}  // namespace colibri::net_detail
