// A trap: a pointer into the stack of a coroutine that runs on a shared stack.
//
//   COLIBRI_STACK=shared COLIBRI_CHECK=shared bazel run --config=opt //samples/traps:pointer
//
// While the session is parked its variables are elsewhere, and the address that the helper was
// given is somebody else's. On private stacks, which are the default, this program is right. In
// check mode the first such access ends the process by SIGSEGV and names both sides. (The cure:
// copy, or keep it in the heap; samples/shared_stack_pitfall.cc shows that.)
#include <cstdio>

#include "colibri/colibri.h"

int main() {
  return colibri::run([] {
    auto session = colibri::spawn({.name = "session"}, [] {
      volatile int answer = 42;
      colibri::spawn({.name = "helper"}, [&answer] { std::printf("%d\n", answer); }).join();
    });
    session.join();
  });
}
