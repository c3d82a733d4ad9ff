#include "colibri/core/once.h"

#include "colibri/core/check.h"

namespace colibri {
namespace {

const void* current_flow() noexcept {
  if (thread_state.current != nullptr) return thread_state.current;
  return &thread_state;
}

}  // namespace

Once::~Once() {
  check(waiting_.empty(), "a Once was destroyed while others wait for it");
}

/// True if the function is the caller's to call; otherwise it has been called.
bool Once::begin() noexcept {
  begin_call_at(lock_);
  for (;;) {
    BiasedGuard guard(lock_);
    if (done_.load(std::memory_order_relaxed)) return false;
    if (caller_ == nullptr) {
      caller_ = current_flow();
      return true;
    }
    check(caller_ != current_flow(),
          "Once::call called by the function that it calls: it would wait for ever");
    wait_in(waiting_, lock_, guard, {.may_fail = false});
  }
}

void Once::end(bool succeeded) noexcept {
  BiasedGuard guard(lock_);
  caller_ = nullptr;
  done_.store(succeeded, std::memory_order_release);
  WaitPlace* claimed = waiting_.claim_all();
  guard.release();
  wake_all(claimed);
}

}  // namespace colibri
