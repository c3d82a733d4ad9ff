// For bazel run //:coverage alone: what a process counted of its lines is kept also where it ends
// by _exit, abort or a fault, and not by exit, which is all that the compiler provides for.
//
// The linker leads calls of these functions here (--wrap). A fault ends by taking its handler away,
// which everybody in colibri does by a sigaction that dlsym has found.
#include <dlfcn.h>
#include <signal.h>

#include <cstring>

#include "colibri/core/bypass.h"
#include "colibri/core/libc.h"

extern "C" {

void __gcov_dump();
void __gcov_reset();
[[noreturn]] void __real__exit(int status);
[[noreturn]] void __real_abort();
void* __real_dlsym(void* handle, const char* name);
}

namespace colibri {
namespace {

/// Files are written, which in a coroutine must not wait. Who goes on counts from zero: a parent
/// whose memory a child of vfork has used would otherwise take itself for one that has written all.
void keep_counters() {
  const Bypass bypass;
  __gcov_dump();
  __gcov_reset();
}

bool is_fault(int signal) {
  return signal == SIGSEGV || signal == SIGBUS || signal == SIGABRT || signal == SIGILL ||
         signal == SIGFPE;
}

int sigaction_that_keeps(int signal, const struct sigaction* action, struct sigaction* previous) {
  static const auto next =
      reinterpret_cast<decltype(&::sigaction)>(__real_dlsym(RTLD_NEXT, "sigaction"));
  if (action != nullptr && action->sa_handler == SIG_DFL && is_fault(signal)) keep_counters();
  return next(signal, action, previous);
}

}  // namespace
}  // namespace colibri

extern "C" {

[[noreturn]] void __wrap__exit(int status) {
  colibri::keep_counters();
  __real__exit(status);
}

[[noreturn]] void __wrap_abort() {
  colibri::keep_counters();
  __real_abort();
}

void* __wrap_dlsym(void* handle, const char* name) {
  if (std::strcmp(name, "sigaction") == 0) {
    return reinterpret_cast<void*>(&colibri::sigaction_that_keeps);
  }
  return __real_dlsym(handle, name);
}

}  // extern "C"
