// Clients at once: as many coroutines of one thread, each with a client library of its own kind and
// a connection of its own.
//
// That they are at once is not judged by time. Each asks the server for something that it does not
// answer yet: a lock that is taken, a list that is empty, a page that is not made. The server's own
// counters are asked until they show all of them waiting, and only then the answers are let go. If
// one call blocked the thread, nobody would get there: the test would hang, and is then ended.
#pragma once

#include <functional>

#include "test/clients/servers.h"

namespace colibri::test {

struct Gate {
  /// How many clients wait at the server at this moment, by its own count.
  std::function<int()> waiting;
  /// Lets them all go on.
  std::function<void()> open;
};

/// Runs client(0) to client(kClients - 1) in coroutines, and the gate in main's; expects that all
/// waited at once, and that stacks and descriptors are back to what they were. Rethrows what a
/// client throws.
void expect_crowd(const std::function<void(int)>& client, const Gate& gate);

}  // namespace colibri::test
