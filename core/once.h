// Once: a function that is called once, whoever comes first.
#pragma once

#include <atomic>
#include <functional>
#include <utility>

#include "colibri/core/wait.h"

namespace colibri {

/// What std::once_flag and std::call_once are, for coroutines and threads alike. The function may
/// park; whoever else calls meanwhile waits for its end, which neither cancel nor a TimeLimit cuts
/// short. Once it has been called, a call costs a load.
class Once {
 public:
  constexpr Once() noexcept = default;
  /// Nobody may wait for it: ends the process with a sentence.
  ~Once();
  Once(const Once&) = delete;
  Once& operator=(const Once&) = delete;

  /// Calls `function(arguments...)` unless that has been done. If it throws, that is passed on, and
  /// the next caller tries again. Ends the process with a sentence when the function calls it.
  template <class Function, class... Arguments>
  void call(Function&& function, Arguments&&... arguments) {
    if (done_.load(std::memory_order_acquire)) [[likely]]
      return;
    if (!begin()) return;
    struct Ending {
      Once& once;
      bool succeeded = false;
      ~Ending() { once.end(succeeded); }
    } ending{*this};
    std::invoke(std::forward<Function>(function), std::forward<Arguments>(arguments)...);
    ending.succeeded = true;
  }

 private:
  bool begin() noexcept;
  void end(bool succeeded) noexcept;

  static void look(BiasedLock& lock, WaitFacts& facts) noexcept;
  static constexpr WaitedThing kThing{"once", "", &look};

  BiasedLock lock_;  // over all that follows; the first member: see WaitedThing
  WaitQueue waiting_{kThing};
  std::uintptr_t caller_ = 0;  // who calls the function now; 0: nobody
  std::atomic<bool> done_{false};
};

}  // namespace colibri
