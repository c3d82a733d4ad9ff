// Every hooked call that can wait, made so that it waits for ever: rows for what must end it.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "test/support/libc_parity.h"

namespace colibri::test {

/// A call that waits until something ends it.
struct WaitingCall {
  std::string name;
  /// Makes the call; its result, with errno. For clock_nanosleep, which returns the error, -1.
  std::function<long(Session&)> call;
};

inline void PrintTo(const WaitingCall& waiting, std::ostream* out) {
  *out << waiting.name;
}

/// All of them. Each makes its descriptors when called; the session closes them.
std::vector<WaitingCall> waiting_calls();

}  // namespace colibri::test
