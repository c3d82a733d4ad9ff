#include "colibri/hook/threads/signal_masks.h"

#include <array>
#include <bit>
#include <cerrno>
#include <new>
#include <utility>

#include "colibri/core/check.h"
#include "colibri/core/libc.h"
#include "colibri/core/scheduler_watch.h"
#include "colibri/hook/threads/thread_variables.h"

namespace colibri::signal_masks {
namespace {

class Exchange final : public SchedulerWatch {
 public:
  void leaves(const ControlBlock& coroutine) noexcept override;
  void leaves_ended() noexcept override;
  void leaves_loop() noexcept override;
  void before_look(std::int64_t timeout) noexcept override;
};

/// Belongs to one scheduler.
struct State {
  SignalBits in_force = 0;                   // the kernel's mask, but for what handlers add
  std::size_t threads = 0;                   // that have been given a mask
  std::size_t waiting = 0;                   // of those, under another one while they wait
  std::array<std::uint32_t, 64> blocking{};  // how many keep each signal away while they wait
  SignalBits common = 0;                     // what all of them do
  bool differ = false;                       // not all have the same
  bool watches = false;                      // switches are watched
  bool looks = false;
  bool switches = false;
  Exchange exchange;
};
/// The calling scheduler's; null before begin. Never freed: threads run while the process ends.
constinit thread_local State* here = nullptr;

void count(SignalBits mask, std::uint32_t by) noexcept {
  for (; mask != 0; mask &= mask - 1) {
    here->blocking[static_cast<std::size_t>(std::countr_zero(mask))] += by;
  }
}

/// After a change of what is counted.
void compare() noexcept {
  here->common = 0;
  here->differ = here->waiting != 0;
  for (std::size_t i = 0; i < here->blocking.size(); ++i) {
    if (here->blocking[i] == here->threads) {
      here->common |= SignalBits{1} << i;
    } else if (here->blocking[i] != 0) {
      here->differ = true;
    }
  }
}

/// In a coroutine whose own mask is in force, or is about to be.
void choose_watch() noexcept {
  if (here->differ == here->watches) return;
  here->watches = here->differ;
  here->differ ? thread_state.add_watch(here->exchange) : thread_state.remove_watch(here->exchange);
}

void change_counted(SignalBits from, SignalBits to) noexcept {
  if (from == to) return;
  count(from, ~std::uint32_t{0});
  count(to, 1);
  compare();
}

/// `next` runs next, or the loop, if null.
void enter(const ControlBlock* next) noexcept {
  if (next == nullptr) return;
  here->looks = false;
  if (next->extras == nullptr) return;
  const EmulatedThread* const thread = next->extras->thread;
  if (thread == nullptr || thread->signals.mask == here->in_force) return;
  // A handler that is let in now is to find the variables of its thread.
  thread_variables::bring_in(*next);
  here->switches = true;
  set_in_force(thread->signals.mask);
  here->switches = false;
}

void Exchange::leaves(const ControlBlock& /*coroutine*/) noexcept {
  enter(thread_state.current);
}
void Exchange::leaves_ended() noexcept {
  enter(thread_state.current);
}
void Exchange::leaves_loop() noexcept {
  enter(thread_state.current);
}
void Exchange::before_look(std::int64_t /*timeout*/) noexcept {
  here->looks = true;
  set_in_force(here->common);
}

}  // namespace

void begin(EmulatedThread& main) noexcept {
  here = new (std::nothrow) State;
  check(here != nullptr, "threads as coroutines: no memory for their signal masks");
  sigset_t mask;
  real::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  here->in_force = bits_of(mask);
  give(main, here->in_force);
}

void give(EmulatedThread& thread, SignalBits mask) noexcept {
  thread.signals.mask = thread.signals.wait_mask = mask;
  const bool as_all_others = here->threads != 0 && !here->differ && mask == here->common;
  ++here->threads;
  count(mask, 1);
  if (as_all_others) return;
  compare();
  choose_watch();
}

void take_away(EmulatedThread& thread) noexcept {
  if (thread.signals.wait_mask != thread.signals.mask) --here->waiting;
  --here->threads;
  count(thread.signals.wait_mask, ~std::uint32_t{0});
  // Even if all others have the same mask now: it is not in force yet.
  if (here->differ || here->threads == 0) compare();
}

void keep_in_child(EmulatedThread* self) noexcept {
  if (here == nullptr) return;
  here->threads = here->waiting = 0;
  here->blocking = {};
  compare();
  if (self != nullptr) give(*self, self->signals.mask);
}

void note(EmulatedThread& self, SignalBits mask) noexcept {
  if (self.signals.wait_mask == self.signals.mask) {
    change_counted(self.signals.wait_mask, mask);
    self.signals.wait_mask = mask;
  }
  self.signals.mask = mask;
  here->in_force = mask;
  choose_watch();
}

void set(EmulatedThread& self, SignalBits mask) noexcept {
  const SignalBits before = here->in_force;
  note(self, mask);
  here->in_force = before;
  set_in_force(mask);
}

void set_wait_mask(EmulatedThread& self, SignalBits mask) noexcept {
  const bool waited = self.signals.wait_mask != self.signals.mask;
  const bool waits = mask != self.signals.mask;
  change_counted(std::exchange(self.signals.wait_mask, mask), mask);
  here->waiting += static_cast<std::size_t>(waits) - static_cast<std::size_t>(waited);
  compare();
  choose_watch();
}

SignalBits set_in_force(SignalBits mask) noexcept {
  const SignalBits before = std::exchange(here->in_force, mask);
  if (before == mask) return before;
  const int saved_errno = errno;
  const sigset_t set = set_of(mask);
  real::pthread_sigmask(SIG_SETMASK, &set, nullptr);
  errno = saved_errno;  // handlers may have run
  return before;
}

bool loop_looks() noexcept {
  return here != nullptr && here->looks;
}

bool is_switching() noexcept {
  return here != nullptr && here->switches;
}

}  // namespace colibri::signal_masks
