// The C++ runtime's record of exceptions in flight, which is a thread's, made a coroutine's.
//
// Layout: Itanium C++ ABI, 2.2.2 "Caught Exception Stack"; libstdc++ and libc++abi agree on it.
#pragma once

namespace __cxxabiv1 {
struct __cxa_eh_globals;
extern "C" __cxa_eh_globals* __cxa_get_globals() noexcept;
}  // namespace __cxxabiv1

namespace colibri {

/// Exceptions being handled (a chain) and the number of those thrown and not yet caught.
struct ExceptionState {
  void* caught = nullptr;
  unsigned int uncaught = 0;

  bool empty() const noexcept { return caught == nullptr && uncaught == 0; }

  /// The calling thread's state. The address stays the same for the thread's life.
  static ExceptionState* of_thread() noexcept {
    return reinterpret_cast<ExceptionState*>(__cxxabiv1::__cxa_get_globals());
  }
};

}  // namespace colibri
