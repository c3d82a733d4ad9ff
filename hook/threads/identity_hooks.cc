// Who a thread is: pthread_self, gettid, and its name. A coroutine that is a thread has its own.
#include <pthread.h>
#include <threads.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>

#include "colibri/core/identity.h"
#include "colibri/core/libc.h"
#include "colibri/hook/own_code.h"
#include "colibri/hook/threads/emulated_thread.h"

namespace colibri {
namespace {

constinit RealFunction real_self{"pthread_self", ::pthread_self};
constinit RealFunction real_gettid{"gettid", ::gettid};
constinit RealFunction real_setname{"pthread_setname_np", ::pthread_setname_np};
constinit RealFunction real_getname{"pthread_getname_np", ::pthread_getname_np};

pthread_t own_id() noexcept {
  const EmulatedThread* self = EmulatedThread::current();
  return self != nullptr ? self->id() : real_self();
}

/// For those who look inside, a coroutine of the caller's own scheduler has the name, too.
void show_name(const EmulatedThread& thread, const char* name) noexcept {
  if (thread.coroutine == nullptr || thread_state.scheduler == nullptr) return;
  try {
    set_name(*thread.coroutine, name);
  } catch (const std::bad_alloc&) {
    // The program's own name for it stands all the same.
  }
}

int set_thread_name(EmulatedThread& thread, const char* name) noexcept {
  const std::size_t bytes = std::strlen(name) + 1;
  if (bytes > EmulatedThread::kNameBytes) return ERANGE;
  const SmallLockGuard guard(thread.lock);
  if (thread.state.load() == EmulatedThread::State::kFree) return ESRCH;
  std::memcpy(thread.name, name, bytes);
  show_name(thread, name);
  return 0;
}

int get_thread_name(EmulatedThread& thread, char* name, std::size_t room) noexcept {
  if (room < EmulatedThread::kNameBytes) return ERANGE;
  const SmallLockGuard guard(thread.lock);
  if (thread.state.load() == EmulatedThread::State::kFree) return ESRCH;
  // It has been given none: as in the kernel, all have that of the process then.
  if (thread.name[0] == '\0') return real_getname(real_self(), name, room);
  std::memcpy(name, thread.name, EmulatedThread::kNameBytes);
  return 0;
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

pthread_t pthread_self() noexcept {
  return own_id();
}

thrd_t thrd_current() {
  return own_id();
}

pid_t gettid() noexcept {
  const EmulatedThread* self = EmulatedThread::current();
  // To colibri a thread is what the kernel calls so.
  if (self == nullptr || is_colibris_own(__builtin_return_address(0))) return real_gettid();
  return self->number();
}

int pthread_setname_np(pthread_t id, const char* name) noexcept {
  EmulatedThread* const thread = EmulatedThread::find(id);
  return thread != nullptr ? set_thread_name(*thread, name) : real_setname(id, name);
}

int pthread_getname_np(pthread_t id, char* name, std::size_t room) noexcept {
  EmulatedThread* const thread = EmulatedThread::find(id);
  return thread != nullptr ? get_thread_name(*thread, name, room) : real_getname(id, name, room);
}

}  // extern "C"
