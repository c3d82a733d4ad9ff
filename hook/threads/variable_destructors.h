// Destructors of thread_local variables, of threads that are coroutines and have their own.
#pragma once

#include "colibri/hook/threads/emulated_thread.h"

namespace colibri {

/// The running coroutine, which is `thread`, has made `object`: `destroy(object)` is to be called
/// at its end. `library` is an address in the object that has the code; it stays loaded till then.
/// False when there is no memory.
bool add_variable_destructor(EmulatedThread& thread, void (*destroy)(void*), void* object,
                             void* library) noexcept;

/// Calls them, the last one that was added first, and those that are added meanwhile. In the
/// thread's coroutine, at its end or the process's.
void run_variable_destructors(EmulatedThread& thread) noexcept;

}  // namespace colibri
