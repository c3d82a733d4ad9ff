// Runs a test's body as colibri's main, with a session of its own.
#pragma once

#include "test/support/libc_parity.h"
#include "test/support/run_in_scheduler.h"

namespace colibri::test {

/// As run_in_scheduler; waits for the session's helpers at the end.
inline void run_in_session(const std::function<void(Session&)>& body) {
  run_in_scheduler([&] {
    Session session(Way::kHookInCoroutine);
    body(session);
    session.finish_helpers();
  });
}

}  // namespace colibri::test
