#include "colibri/core/deadline.h"

#include <algorithm>

#include "colibri/core/check.h"
#include "colibri/core/thread_state.h"

namespace colibri {

TimeLimit::TimeLimit(Deadline deadline) {
  ControlBlock* self = thread_state.current;
  check(self != nullptr, "TimeLimit made outside a coroutine; wrap main in colibri::run()");
  outer_ = self->limit;
  deadline_ = std::min(deadline, outer_);
  self->limit = deadline_;
}

TimeLimit::~TimeLimit() {
  thread_state.current->limit = outer_;
}

}  // namespace colibri
