// HttpConnections: the connections of a server, as its stop needs to know them.
#pragma once

#include <atomic>
#include <list>

#include "colibri/core/small_lock.h"

namespace colibri {

class Scheduler;

namespace net_detail {

/// Any thread, unless a method says otherwise.
class HttpConnections {
 public:
  /// One connection, while it is served. One coroutine's, which made it.
  class Membership {
   public:
    /// `descriptor` is where the connection waits.
    Membership(HttpConnections& all, int descriptor);
    ~Membership();
    Membership(const Membership&) = delete;
    Membership& operator=(const Membership&) = delete;

    /// The server was asked to stop. Whoever has looked, and waits for the descriptor on this
    /// thread then, is woken by the stop to look again.
    bool stopping() const noexcept { return all_.stopping(); }

   private:
    friend class HttpConnections;

    struct Entry {
      const Scheduler* scheduler;
      int descriptor;
    };

    HttpConnections& all_;
    std::list<Entry> own_;  // empty while it is among all
    std::list<Entry>::iterator place_;
  };

  /// From now on no connection waits for what need not come. To be called on each thread of the
  /// server: wakes the connections of this one.
  void stop() noexcept;
  bool stopping() const noexcept { return stopping_.load(); }

 private:
  std::atomic<bool> stopping_{false};
  SmallLock lock_;
  std::list<Membership::Entry> entries_;
};

}  // namespace net_detail
}  // namespace colibri
