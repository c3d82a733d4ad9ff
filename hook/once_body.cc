#include "colibri/hook/once_body.h"

#include <mutex>

#include "colibri/core/parking_lot.h"
#include "colibri/core/waited_thing.h"
#include "colibri/hook/calling_object.h"

namespace colibri {
namespace {

constexpr ParkedThing kThing{"pthread_once"};

/// std::call_once leaves what it wants called in two variables of the thread, for a routine that
/// pthread_once calls. Other coroutines do so, too, while this one is parked.
class KeptCallable {
 public:
  KeptCallable() noexcept : callable_(std::__once_callable), call_(std::__once_call) {}
  ~KeptCallable() {
    std::__once_callable = callable_;
    std::__once_call = call_;
  }
  KeptCallable(const KeptCallable&) = delete;
  KeptCallable& operator=(const KeptCallable&) = delete;

 private:
  void* const callable_;
  void (*const call_)();
};

}  // namespace

void OnceBody::check_layout() noexcept {
  static_assert(sizeof(OnceBody) == sizeof(pthread_once_t));
}

/// The word while the routine runs in this process.
int OnceBody::under_way() noexcept {
  return static_cast<int>(ParkingLot::generation() << 2 | 1);
}

void OnceBody::run_slowly(void (*routine)(), const void* caller) {
  const int running = under_way();
  int word = word_.load(std::memory_order_acquire);
  while (word != kDone) {
    if (word == running) {
      wait(running, caller);
      word = word_.load(std::memory_order_acquire);
    } else if (word_.compare_exchange_weak(word, running, std::memory_order_acquire)) {
      return run_here(routine);
    }
  }
}

void OnceBody::wait(int seen, const void* caller) noexcept {
  const KeptCallable kept;
  WaitPlace* place = ParkingLot::join(this, may_park_caller(caller), 0, [this, seen] {
    return word_.load(std::memory_order_relaxed) == seen;
  });
  if (place == nullptr) return;
  place->parked_at = &kThing;
  ParkingLot::wait(*place, {.may_fail = false}, [] {});
}

void OnceBody::run_here(void (*routine)()) {
  try {
    routine();
  } catch (...) {
    become(0);
    throw;
  }
  become(kDone);
}

void OnceBody::become(int state) noexcept {
  word_.store(state, std::memory_order_release);
  ParkingLot::wake_all(this, [] {});
}

}  // namespace colibri
