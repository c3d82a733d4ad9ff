// Sockets that whoever started this process has opened for it, as systemd does ("socket
// activation"): a service can be started anew, or crash, and no connection is refused.
#pragma once

#include <string>
#include <vector>

#include "colibri/net/owned_descriptor.h"

namespace colibri {

struct InheritedSocket {
  OwnedDescriptor descriptor;
  std::string name;  // FileDescriptorName= of the unit; may be empty
};

/// Takes the sockets that LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES in the environment name, in
/// their order, and takes the variables away: children are not to take them, too. Nothing if they
/// are not meant for this process. For the beginning of main, while there is one thread. Throws
/// std::invalid_argument if the variables are meant for it and make no sense.
///
/// To be passed on to TcpListener::adopt or UnixListener::adopt.
std::vector<InheritedSocket> take_inherited_sockets();

}  // namespace colibri
