// Apart from waiter.cc, which needs the scheduler: whatever holds a control block needs the virtual
// functions of the message in it.
#include "colibri/core/unpark.h"
#include "colibri/core/waiter.h"

namespace colibri {

void Waiter::deliver() noexcept {
  word_.store(kWoken, std::memory_order_relaxed);
  unpark(*coroutine_, WakeReason::kFired);
}

}  // namespace colibri
