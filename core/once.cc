#include "colibri/core/once.h"

#include "colibri/core/check.h"

namespace colibri {

Once::~Once() {
  check(waiting_.empty(), "a Once was destroyed while others wait for it");
}

/// True if the function is the caller's to call; otherwise it has been called.
bool Once::begin() noexcept {
  for (;;) {
    BiasedGuard guard(lock_);
    if (done_.load(std::memory_order_relaxed)) return false;
    if (caller_ == 0) {
      caller_ = current_owner();
      return true;
    }
    check(caller_ != current_owner(),
          "Once::call called by the function that it calls: it would wait for ever");
    wait_in(waiting_, lock_, guard, {.may_fail = false});
  }
}

void Once::end(bool succeeded) noexcept {
  BiasedGuard guard(lock_);
  caller_ = 0;
  done_.store(succeeded, std::memory_order_release);
  WaitPlace* claimed = waiting_.claim_all();
  guard.release();
  wake_all(claimed);
}

void Once::look(BiasedLock& lock, WaitFacts& facts) noexcept {
  facts.owner = reinterpret_cast<const Once&>(lock).caller_;
}

}  // namespace colibri
