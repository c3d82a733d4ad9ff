// Taking a connection from a listener of any family.
#pragma once

#include <optional>

#include "colibri/net/socket.h"

namespace colibri::net_detail {

/// A connection that was taken, and who is at its other end.
struct Accepted {
  Socket socket;
  Address peer;
};

/// Binds `socket` and listens. Throws std::system_error.
void bind_and_listen(const Socket& socket, const Address& address, int backlog);

/// Waits for a connection. Errors of TcpListener::accept.
Accepted accept_from(const Socket& listener);
/// Does not wait.
std::optional<Accepted> try_accept_from(const Socket& listener);

/// Takes over a descriptor that must listen. Throws std::system_error if it does not.
Socket adopt_listener(int descriptor);

}  // namespace colibri::net_detail
