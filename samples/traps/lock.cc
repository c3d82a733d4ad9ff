// A trap: a lock that is held while one waits for somebody who needs it.
//
//   bazel run --config=opt //samples/traps:lock
//
// Across any other wait a lock may be held: who wants it is parked until it is free. But the order
// below holds the stock's lock and waits for a refill, which needs that lock. Nobody is left who
// could run, and colibri says who waits for whom, with every stack. The exit status is 2. (The
// cure: let go of the lock before waiting.)
#include <mutex>

#include "colibri/colibri.h"

int main() {
  return colibri::run([] {
    colibri::Mutex stock;
    auto order = colibri::spawn({.name = "order"}, [&] {
      const std::lock_guard guard(stock);
      colibri::spawn({.name = "refill"}, [&] { const std::lock_guard refilling(stock); }).join();
    });
    order.join();
  });
}
