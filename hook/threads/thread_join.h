// Waiting for the end of a thread that is a coroutine: pthread_join, its kind, and pthread_detach.
#pragma once

#include "colibri/hook/point_in_time.h"
#include "colibri/hook/threads/emulated_thread.h"

namespace colibri {

// All may be called by any coroutine and any plain thread. Results and errors are libc's: ESRCH for
// a thread that is gone; EINVAL for one that is detached, or that another one joins; EDEADLK for
// the caller itself, and for one that joins the caller; ECANCELED where pthread_cancel ends them.

/// Waits until then at most: ETIMEDOUT. Stores the thread's result, unless `value` is null.
int join_thread(EmulatedThread& thread, void** value, const PointInTime& until) noexcept;

/// Does not wait: EBUSY.
int try_join_thread(EmulatedThread& thread, void** value) noexcept;

/// From now on nobody joins it, and its end is all there is to it.
int detach_thread(EmulatedThread& thread) noexcept;

}  // namespace colibri
