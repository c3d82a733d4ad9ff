// ListenerHandover: a new process takes the listeners of the one that serves, which then stops
// accepting and lets its connections end. Nobody is refused meanwhile: the listeners stay open, and
// connections that come between wait in their backlog.
//
//   new: connects to the meeting point      old: sends its listeners, and the meeting point's own
//   new: says that it is ready              old: stops (TcpServer::stop), and drains
//
// If the new one dies before it is ready, the old one goes on as if nothing had been.
#pragma once

#include <vector>

#include "colibri/net/tcp_server.h"
#include "colibri/net/unix_stream.h"

namespace colibri {

/// One process's part in both: first as the new one, then as the old one. Belongs to one
/// scheduler's coroutines.
class ListenerHandover {
 public:
  /// Asks who serves at `meeting_point`, a Unix socket's address, for its listeners, until the
  /// deadline; if nobody is there, this process is the first, and makes the meeting point. Whoever
  /// may connect there could take the listeners, so only the same user and root are let in.
  ///
  /// In a coroutine. Throws std::system_error: no access, or somebody is there who does not answer.
  explicit ListenerHandover(const Address& meeting_point,
                            Deadline deadline = Deadline::after(std::chrono::seconds(10)));

  /// What the predecessor listened with, for the constructor of TcpServer; nothing if there was
  /// none.
  std::vector<TcpListener> take_listeners() noexcept { return std::move(listeners_); }

  /// Tells the predecessor, if there is one, to stop. Then waits for a successor; when that is
  /// ready, asks `server` to stop, and returns. To be called when `server` is made, in a coroutine
  /// beside the one that runs it; once. Throws Canceled, and std::system_error.
  void run(TcpServer& server);

 private:
  void dismiss_predecessor();
  bool hand_over(UnixStream& successor, const TcpServer& server) const;

  UnixListener meeting_point_;
  UnixStream predecessor_;
  std::vector<TcpListener> listeners_;
};

}  // namespace colibri
