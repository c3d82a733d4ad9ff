// What becomes of thread-local variables at the end of a thread, of the process, and of a library.
#include <dlfcn.h>
#include <stdlib.h>

#include "colibri/core/check.h"
#include "colibri/core/libc.h"
#include "colibri/hook/object_kind.h"
#include "colibri/hook/own_code.h"
#include "colibri/hook/threads/thread_variables.h"
#include "colibri/hook/threads/variable_destructors.h"

// What libstdc++ registers destructors by. Nobody declares it.
extern "C" int __cxa_thread_atexit_impl(void (*destroy)(void*), void* object, void* library);

namespace colibri {
namespace {

constinit RealFunction real_at_end{"__cxa_thread_atexit_impl", ::__cxa_thread_atexit_impl};
constinit RealFunction real_exit{"exit", ::exit};
constinit RealFunction real_close{"dlclose", ::dlclose};

/// The coroutine whose variable it is; null if it is the kernel's thread's.
EmulatedThread* owner_of_variable(const void* library) noexcept {
  if (!thread_variables::are_own() || is_colibris_own(library)) return nullptr;
  const ObjectKind kind = kind_of_object(library);
  const bool is_programs = kind == ObjectKind::kExecutable || kind == ObjectKind::kLibrary;
  return is_programs ? EmulatedThread::current() : nullptr;
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int __cxa_thread_atexit_impl(void (*destroy)(void*), void* object, void* library) {
  EmulatedThread* const thread = owner_of_variable(library);
  if (thread == nullptr) return real_at_end(destroy, object, library);
  // libc's never fails, either, and nobody asks.
  check(add_variable_destructor(*thread, destroy, object, library),
        "no memory for the destructor of a thread_local variable");
  return 0;
}

/// Variables of the calling thread are destroyed, before all else; those of others are not.
void exit(int status) noexcept {
  EmulatedThread* const thread = EmulatedThread::current();
  if (thread != nullptr) run_variable_destructors(*thread);
  real_exit(status);
  __builtin_unreachable();
}

int dlclose(void* library) noexcept {
  const int result = real_close(library);
  // The next library may lie where the last one did.
  if (EmulatedThread::current() != nullptr) thread_variables::look_again();
  return result;
}

}  // extern "C"
