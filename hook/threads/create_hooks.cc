// pthread_create, thrd_create and pthread_detach: in a coroutine, while threads are coroutines,
// they start another one. std::thread comes here by libstdc++.
//
// pthread_join, pthread_exit and their kind are with the other hooks: they concern plain threads,
// too.
#include <pthread.h>
#include <threads.h>

#include <cerrno>

#include "colibri/core/libc.h"
#include "colibri/hook/threads/thread_join.h"
#include "colibri/hook/threads/thread_start.h"

namespace colibri {
namespace {

constinit RealFunction real_create{"pthread_create", ::pthread_create};
constinit RealFunction real_detach{"pthread_detach", ::pthread_detach};
constinit RealFunction real_thrd_create{"thrd_create", ::thrd_create};
constinit RealFunction real_thrd_detach{"thrd_detach", ::thrd_detach};

int result_of_c11(int error) noexcept {
  switch (error) {
    case 0:
      return thrd_success;
    case EAGAIN:
      return thrd_nomem;
    default:
      return thrd_error;
  }
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int pthread_create(pthread_t* id, const pthread_attr_t* attributes, void* (*start)(void*),
                   void* argument) noexcept {
  const ThreadWork work{.start = reinterpret_cast<AnyStart>(start), .argument = argument};
  if (!becomes_coroutine(work)) return real_create(id, attributes, start, argument);
  return start_thread(id, attributes, work);
}

int thrd_create(thrd_t* id, thrd_start_t start, void* argument) {
  const ThreadWork work{
      .start = reinterpret_cast<AnyStart>(start), .argument = argument, .of_c11 = true};
  if (!becomes_coroutine(work)) return real_thrd_create(id, start, argument);
  return result_of_c11(start_thread(id, nullptr, work));
}

int pthread_detach(pthread_t id) noexcept {
  EmulatedThread* const thread = EmulatedThread::find(id);
  return thread != nullptr ? detach_thread(*thread) : real_detach(id);
}

int thrd_detach(thrd_t id) {
  EmulatedThread* const thread = EmulatedThread::find(id);
  if (thread == nullptr) return real_thrd_detach(id);
  return result_of_c11(detach_thread(*thread));
}

}  // extern "C"
