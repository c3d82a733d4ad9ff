// pthread_barrier_*: ours, or libc's for what several processes share.
#include <pthread.h>

#include "colibri/hook/barrier_body.h"
#include "colibri/hook/calling_object.h"
#include "colibri/hook/counted_call.h"
#include "colibri/hook/result_call.h"

namespace colibri {
namespace {

constinit RealFunction real_init{"pthread_barrier_init", ::pthread_barrier_init};
constinit RealFunction real_destroy{"pthread_barrier_destroy", ::pthread_barrier_destroy};
constinit RealFunction real_wait{"pthread_barrier_wait", ::pthread_barrier_wait};

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int pthread_barrier_init(pthread_barrier_t* barrier, const pthread_barrierattr_t* attributes,
                         unsigned count) {
  int shared = PTHREAD_PROCESS_PRIVATE;
  if (attributes != nullptr) pthread_barrierattr_getpshared(attributes, &shared);
  if (shared != PTHREAD_PROCESS_PRIVATE) return real_init(barrier, attributes, count);
  return BarrierBody::of(barrier).init(count);
}

int pthread_barrier_destroy(pthread_barrier_t* barrier) {
  BarrierBody& body = BarrierBody::of(barrier);
  return body.is_ours() ? body.destroy() : real_destroy(barrier);
}

int pthread_barrier_wait(pthread_barrier_t* barrier) {
  BarrierBody& body = BarrierBody::of(barrier);
  const void* const caller = __builtin_return_address(0);
  if (body.is_ours()) {
    return counted<"pthread_barrier_wait">([&] { return body.wait(caller); });
  }
  if (!may_park_caller(caller)) return real_wait(barrier);
  // A barrier has no owners: a helper thread can come in the coroutine's place.
  return static_cast<int>(
      on_helper(HelperSet::kUnbounded, [barrier] { return real_wait(barrier); }));
}

}  // extern "C"
