// Thread-specific data, by the names of POSIX and of C11: a coroutine's values are its own, but for
// the keys that are the thread's; see key_rules.h.
//
// libc gives out the keys and keeps the threads' values, and calls their destructors. The hooks act
// in every coroutine, also where a bypass is in force or there is no scheduler: a value must not
// depend on who asks for it.
#include <pthread.h>
#include <threads.h>

#include <cerrno>

#include "colibri/core/libc.h"
#include "colibri/core/sanitizer.h"
#include "colibri/core/specific_values.h"
#include "colibri/core/thread_state.h"
#include "colibri/hook/hook.h"
#include "colibri/hook/key_rules.h"

namespace colibri {

bool hook::keep_key_in_thread(pthread_key_t key) noexcept {
  return key_rules::keep_in_thread(key);
}

bool hook::give_key_to_coroutines(pthread_key_t key) noexcept {
  return key_rules::give_to_coroutines(key);
}

}  // namespace colibri

// ThreadSanitizer calls the hooks before it has prepared the process or the thread, where code that
// it watches cannot run.
#ifndef COLIBRI_TSAN

namespace colibri {
/// The coroutine of this thread that is taking memory for a value. An allocator may be what is
/// called then, so this variable must not be one that asks for memory itself. With external
/// linkage: see thread_waiter_memory.
extern constinit thread_local const ControlBlock* taking_memory
    __attribute__((tls_model("initial-exec")));
constinit thread_local const ControlBlock* taking_memory
    __attribute__((tls_model("initial-exec"))) = nullptr;

namespace {

constinit RealFunction real_key_create{"pthread_key_create", ::pthread_key_create};
constinit RealFunction real_key_delete{"pthread_key_delete", ::pthread_key_delete};
constinit RealFunction real_getspecific{"pthread_getspecific", ::pthread_getspecific};
constinit RealFunction real_setspecific{"pthread_setspecific", ::pthread_setspecific};

int create_key(pthread_key_t* key, void (*destructor)(void*), const void* creator) noexcept {
  const int result = real_key_create(key, destructor);
  if (result == 0) key_rules::made(*key, destructor, creator);
  return result;
}

/// Forgotten first: once libc has deleted the key, another thread may get its number.
int delete_key(pthread_key_t key) noexcept {
  key_rules::forget(key);
  return real_key_delete(key);
}

void* get_value(pthread_key_t key) noexcept {
  const ControlBlock* coroutine = thread_state.current;
  if (coroutine == nullptr || !key_rules::is_of_coroutines(key)) return real_getspecific(key);
  return specific_value(*coroutine, key);
}

int set_value(pthread_key_t key, void* value) noexcept {
  ControlBlock* coroutine = thread_state.current;
  // Asked in plain threads, too: the first value may tell whose the key is.
  const bool is_of_coroutines = key_rules::is_of_coroutines(key, value);
  if (coroutine == nullptr || !is_of_coroutines) return real_setspecific(key, value);
  if (taking_memory == coroutine) {
    key_rules::keep_in_thread(key);
    return real_setspecific(key, value);
  }
  taking_memory = coroutine;
  const bool done = set_specific_value(*coroutine, key, value);
  taking_memory = nullptr;
  return done ? 0 : ENOMEM;
}

int thread_result(int error) noexcept {
  if (error == 0) return thrd_success;
  return error == ENOMEM ? thrd_nomem : thrd_error;
}

}  // namespace

}  // namespace colibri

using namespace colibri;

extern "C" {

int pthread_key_create(pthread_key_t* key, void (*destructor)(void*)) noexcept {
  return create_key(key, destructor, __builtin_return_address(0));
}

// By these names libstdc++, libgcc and programs that were built long ago call the same.
int __pthread_key_create(pthread_key_t* key, void (*destructor)(void*)) noexcept {
  return create_key(key, destructor, __builtin_return_address(0));
}

int pthread_key_delete(pthread_key_t key) noexcept {
  return delete_key(key);
}

void* pthread_getspecific(pthread_key_t key) noexcept {
  return get_value(key);
}

void* __pthread_getspecific(pthread_key_t key) noexcept {
  return get_value(key);
}

int pthread_setspecific(pthread_key_t key, const void* value) noexcept {
  return set_value(key, const_cast<void*>(value));
}

int __pthread_setspecific(pthread_key_t key, const void* value) noexcept {
  return set_value(key, const_cast<void*>(value));
}

int tss_create(tss_t* key, tss_dtor_t destructor) {
  return thread_result(create_key(key, destructor, __builtin_return_address(0)));
}

void tss_delete(tss_t key) {
  delete_key(key);
}

void* tss_get(tss_t key) {
  return get_value(key);
}

int tss_set(tss_t key, void* value) {
  return thread_result(set_value(key, value));
}

}  // extern "C"

#endif
