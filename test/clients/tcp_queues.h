// What the kernel has in store for a server on this machine: for servers that cannot tell.
#pragma once

namespace colibri::test {

/// Connections to 127.0.0.1:`port` with bytes that the server has not read. Those that it has not
/// accepted count, too.
int unread_connections(int port);

/// Connections that wait to be accepted there.
int unaccepted_connections(int port);

}  // namespace colibri::test
