// Files: what the page cache has is taken at once (RWF_NOWAIT); what has to wait for a disk goes to
// a helper thread of a bounded set, since it ends by itself.
//
// For the same reason neither a TimeLimit nor cancel ends such a call once it has begun: a read
// that was given up would lose the bytes that the file's position has moved over.
#pragma once

#include <memory>

#include "colibri/core/helper_call.h"
#include "colibri/hook/blocking_call.h"

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

/// Has a helper call `function()`, with the caller's errno, and returns its result. It must not
/// refer to the coroutine's own stack.
template <class Function>
long on_file_helper(Function function) {
  const auto call = std::make_shared<ResultCall<Function>>(std::move(function));
  run_on_helper(call, HelperSet::kFiles, {.may_fail = false});
  errno = call->error;
  return call->result;
}

/// True in a coroutine that may park, for a regular file, a directory or a block device.
bool is_file_that_may_wait(int number) noexcept;

/// read and pread of such a file; `offset` -1: where the file stands.
ssize_t read_file(int number, void* buffer, std::size_t size, off64_t offset);

/// The same for write and pwrite.
ssize_t write_file(int number, const void* buffer, std::size_t size, off64_t offset);

}  // namespace colibri
