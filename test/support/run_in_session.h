// Runs a test's body inside colibri::run, with a session of its own.
#pragma once

#include "test/support/libc_parity.h"
#include "test/support/run_in_scheduler.h"

namespace colibri::test {

/// As run_in_scheduler, with a session in main, on whose private stack the variables of `body` are
/// safe: other coroutines may refer to them. Waits for the session's helpers at the end.
inline void run_with_session_in_main(const std::function<void(Session&)>& body) {
  run_in_scheduler([&] {
    Session session(Way::kHookInCoroutine);
    body(session);
    session.finish_helpers();
  });
}

/// The same; but where COLIBRI_STACK asks for shared stacks, `body` runs on one, with the session's
/// helpers.
inline void run_in_session(const std::function<void(Session&)>& body) {
  if (!StackChoice::from_environment().is_shared()) return run_with_session_in_main(body);
  run_in_scheduler([&] { run_on_shared_stack(body); });
}

}  // namespace colibri::test
