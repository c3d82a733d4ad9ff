#include "colibri/core/deadline.h"

#include <algorithm>
#include <new>

#include "colibri/core/check.h"
#include "colibri/core/launch.h"
#include "colibri/core/thread_state.h"

namespace colibri {
namespace {

void set_limit(ControlBlock& coroutine, Deadline limit) noexcept {
  coroutine.extras->limit = limit;
  coroutine.attention =
      static_cast<std::uint8_t>(limit.is_never() ? coroutine.attention & ~ControlBlock::kLimited
                                                 : coroutine.attention | ControlBlock::kLimited);
}

}  // namespace

TimeLimit::TimeLimit(Deadline deadline) {
  ControlBlock* self = thread_state.current;
  check(self != nullptr, "TimeLimit made outside a coroutine; wrap main in colibri::run()");
  CoroutineExtras* extras = extras_of(*self);
  if (extras == nullptr) throw std::bad_alloc();
  outer_ = self->limit();
  deadline_ = std::min(deadline, outer_);
  set_limit(*self, deadline_);
}

TimeLimit::~TimeLimit() {
  set_limit(*thread_state.current, outer_);
}

}  // namespace colibri
