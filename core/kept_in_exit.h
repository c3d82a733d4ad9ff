// What a thread owns until its end, but not when exit() is called in one of its coroutines.
#pragma once

#include <cstddef>
#include <new>

#include "colibri/core/thread_state.h"

namespace colibri {

/// A T for a `static thread_local` variable, made as T(). exit() destroys those of its caller's
/// thread before it runs the handlers of atexit; and these may wait, when a coroutine has called
/// exit, for others of the thread, which run on. So the T then stays as it is.
template <class T>
class KeptInExit {
 public:
  KeptInExit() { ::new (static_cast<void*>(memory_)) T(); }
  ~KeptInExit() {
    if (thread_state.current == nullptr) get().~T();
  }
  KeptInExit(const KeptInExit&) = delete;
  KeptInExit& operator=(const KeptInExit&) = delete;

  T& get() noexcept { return *std::launder(reinterpret_cast<T*>(memory_)); }

 private:
  alignas(T) std::byte memory_[sizeof(T)];
};

}  // namespace colibri
