// The beginning and the end of a thread that is a coroutine.
#pragma once

#include <pthread.h>

#include "colibri/hook/threads/emulated_thread.h"

namespace colibri {

/// What a thread is to do.
struct ThreadWork {
  AnyStart start;
  void* argument;
  bool of_c11 = false;
};

/// True if a thread that the caller starts for `work` is to be a coroutine: in a coroutine, while
/// emulated_threads are on, but for colibri's own threads and native_threads.
bool becomes_coroutine(const ThreadWork& work) noexcept;

/// Starts a coroutine that is a thread to the program, on this scheduler; it runs once the caller
/// parks or yields. Sets `*id`. Of the attributes, the detach state counts, and the size of the
/// stack, which is raised to what the hooks need; its address does not. As pthread_create: EAGAIN
/// when there is no memory; EPERM for a priority or policy that only the kernel could give.
int start_thread(pthread_t* id, const pthread_attr_t* attributes, const ThreadWork& work);

/// True for a policy or a priority of which something would be missed without the kernel: those of
/// real time. SCHED_BATCH and SCHED_IDLE only ask to come after others.
bool needs_kernel(int policy, int priority) noexcept;

/// In such a thread that is about to leave by pthread_exit or thrd_exit: who joins it gets `value`,
/// and pthread_cancel has no effect any more.
/// No effect in other coroutines.
void note_exit_value(void* value) noexcept;

/// The last act of such a thread, after its frames and the destructors of its variables: those of
/// keys run, and whoever joins it goes on. In its coroutine.
void finish_thread(EmulatedThread& thread) noexcept;

}  // namespace colibri
