// Apart from the rest of the waiter, since every control block's extras hold one: its virtual table
// belongs where control blocks are made.
#include "colibri/core/unpark.h"
#include "colibri/core/waiter.h"

namespace colibri {

void Waiter::deliver() noexcept {
  word_.store(kWoken, std::memory_order_relaxed);
  unpark(*coroutine_, WakeReason::kFired);
}

}  // namespace colibri
