// HttpConnections: the connections of a server, as its stop needs to know them.
#pragma once

#include <atomic>
#include <list>

#include "colibri/core/small_lock.h"

namespace colibri::net_detail {

/// Any thread.
class HttpConnections {
 public:
  /// One connection, while it is served. One coroutine's.
  class Membership {
   public:
    /// `descriptor` stays open meanwhile.
    Membership(HttpConnections& all, int descriptor);
    ~Membership();
    Membership(const Membership&) = delete;
    Membership& operator=(const Membership&) = delete;

   private:
    friend class HttpConnections;

    struct Entry {
      std::atomic<bool> is_idle{false};
      int descriptor;
    };

    HttpConnections& all_;
    std::list<Entry> own_;  // empty while it is among all
    std::list<Entry>::iterator place_;
  };

  /// A scope in which the connection waits for what need not come: the server's stop ends a read,
  /// as the end of the stream.
  class Idle {
   public:
    explicit Idle(Membership& connection) noexcept;
    ~Idle() { connection_.place_->is_idle.store(false); }
    Idle(const Idle&) = delete;
    Idle& operator=(const Idle&) = delete;

    /// False if the server has been stopped already, and no read would be ended any more.
    bool may_wait() const noexcept { return !connection_.all_.stopping(); }

   private:
    Membership& connection_;
  };

  /// From now on no connection waits for what need not come, and those that do wait end.
  void stop() noexcept;
  bool stopping() const noexcept { return stopping_.load(); }

 private:
  std::atomic<bool> stopping_{false};
  SmallLock lock_;
  std::list<Membership::Entry> entries_;
};

}  // namespace colibri::net_detail
