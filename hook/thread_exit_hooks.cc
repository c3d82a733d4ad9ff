// pthread_exit and thrd_exit: in a coroutine they end it, and not its thread. The cleanup handlers
// that they run are the coroutine's; those of C code are registered by names of libc's own, which
// pthread_cleanup_push expands to.
#include <pthread.h>
#include <threads.h>

#include <cstdint>

#include "colibri/core/coroutine_exit.h"
#include "colibri/core/libc.h"
#include "colibri/core/thread_state.h"
#include "colibri/hook/threads/thread_start.h"

// glibc declares these for C without exceptions only.
extern "C" {
void __pthread_register_cancel(__pthread_unwind_buf_t* buffer);
void __pthread_unregister_cancel(__pthread_unwind_buf_t* buffer);
void __pthread_register_cancel_defer(__pthread_unwind_buf_t* buffer);
void __pthread_unregister_cancel_restore(__pthread_unwind_buf_t* buffer);
void __pthread_unwind_next(__pthread_unwind_buf_t* buffer);
}

namespace colibri {
namespace {

constinit RealFunction real_pthread_exit{"pthread_exit", ::pthread_exit};
constinit RealFunction real_thrd_exit{"thrd_exit", ::thrd_exit};
constinit RealFunction real_register{"__pthread_register_cancel", ::__pthread_register_cancel};
constinit RealFunction real_unregister{"__pthread_unregister_cancel",
                                       ::__pthread_unregister_cancel};
constinit RealFunction real_register_defer{"__pthread_register_cancel_defer",
                                           ::__pthread_register_cancel_defer};
constinit RealFunction real_unregister_restore{"__pthread_unregister_cancel_restore",
                                               ::__pthread_unregister_cancel_restore};
constinit RealFunction real_unwind_next{"__pthread_unwind_next", ::__pthread_unwind_next};

/// Also where a bypass is in force: the stack is the coroutine's all the same.
bool in_coroutine() noexcept {
  return thread_state.current != nullptr;
}

/// The value reaches nobody unless the coroutine is a thread to the program: others have no
/// pthread_t to be joined by.
[[noreturn]] void leave_coroutine(void* value) {
  note_exit_value(value);
  exit_coroutine();
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

void pthread_exit(void* value) {
  if (in_coroutine()) leave_coroutine(value);
  real_pthread_exit(value);
  __builtin_unreachable();
}

void thrd_exit(int result) {
  if (in_coroutine()) leave_coroutine(reinterpret_cast<void*>(static_cast<std::intptr_t>(result)));
  real_thrd_exit(result);
  __builtin_unreachable();
}

void __pthread_register_cancel(__pthread_unwind_buf_t* buffer) {
  in_coroutine() ? add_cleanup(buffer) : real_register(buffer);
}

void __pthread_unregister_cancel(__pthread_unwind_buf_t* buffer) {
  in_coroutine() ? remove_cleanup(buffer) : real_unregister(buffer);
}

// Nobody cancels a coroutine at any instruction, so there is nothing to be deferred.
void __pthread_register_cancel_defer(__pthread_unwind_buf_t* buffer) {
  in_coroutine() ? add_cleanup(buffer) : real_register_defer(buffer);
}

void __pthread_unregister_cancel_restore(__pthread_unwind_buf_t* buffer) {
  in_coroutine() ? remove_cleanup(buffer) : real_unregister_restore(buffer);
}

void __pthread_unwind_next(__pthread_unwind_buf_t* buffer) {
  if (in_coroutine()) unwind_next(buffer);
  real_unwind_next(buffer);
}

}  // extern "C"
