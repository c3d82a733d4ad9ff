// The plainest call of a helper thread: a function with a number as its result, and errno.
#pragma once

#include <cerrno>
#include <memory>
#include <new>
#include <utility>

#include "colibri/core/helper_call.h"

namespace colibri {

/// A call with a result and errno.
template <class Function>
class ResultCall final : public HelperCall {
 public:
  explicit ResultCall(Function function) : function_(std::move(function)) {}
  void run() noexcept override {
    errno = error;
    result = static_cast<long>(function_());
    error = errno;
  }

  long result = 0;
  int error = errno;  // the caller's, then the call's

 private:
  const Function function_;
};

/// Has a helper of `set` call `function()`, with the caller's errno, and returns its result, with
/// its errno. Not ended by a TimeLimit or cancel. `function` must not refer to the coroutine's own
/// stack. Where there is no memory for that, this thread makes the call. In a coroutine.
template <class Function>
long on_helper(HelperSet set, Function function) {
  std::shared_ptr<ResultCall<Function>> call;
  try {
    call = std::make_shared<ResultCall<Function>>(function);
  } catch (const std::bad_alloc&) {
    return static_cast<long>(function());
  }
  run_on_helper(call, set, {.may_fail = false});
  errno = call->error;
  return call->result;
}

}  // namespace colibri
