#include "colibri/net/http_connections.h"

#include <sys/socket.h>

#include "colibri/core/libc.h"

namespace colibri::net_detail {

HttpConnections::Membership::Membership(HttpConnections& all, int descriptor) : all_(all), own_(1) {
  place_ = own_.begin();
  place_->descriptor = descriptor;
  const SmallLockGuard guard(all_.lock_);
  all_.entries_.splice(all_.entries_.end(), own_);
}

HttpConnections::Membership::~Membership() {
  const SmallLockGuard guard(all_.lock_);
  own_.splice(own_.end(), all_.entries_, place_);
}

HttpConnections::Idle::Idle(Membership& connection) noexcept : connection_(connection) {
  // Before may_wait looks, as stop() does its two steps: one of the two sees what the other did.
  connection_.place_->is_idle.store(true);
}

void HttpConnections::stop() noexcept {
  stopping_.store(true);
  const SmallLockGuard guard(lock_);
  for (const Membership::Entry& each : entries_) {
    // Its reader finds the end of the stream. A request that has come already is read before that.
    if (each.is_idle.load()) real::shutdown(each.descriptor, SHUT_RD);
  }
}

}  // namespace colibri::net_detail
