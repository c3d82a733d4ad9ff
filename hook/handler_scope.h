// While a signal handler of the program's runs in a coroutine, hooks pass through: it must not be
// parked there.
//
// A handler can be left without returning, by siglongjmp, setcontext or an exception. Nobody tells,
// so what is kept of a running handler is asked whenever a hook is called meanwhile: it was left if
// there was a jump since, or if the hook's caller lies above the handler's frame on the stack that
// the handler ran on.
#pragma once

#include <ucontext.h>

#include "colibri/core/thread_state.h"

namespace colibri {

/// Surrounds a call of the program's handler. Signal handlers only.
class [[nodiscard]] HandlerScope {
 public:
  /// `context` is the one that the kernel gave the handler: it names the alternate stack.
  explicit HandlerScope(const ucontext_t* context) noexcept;
  ~HandlerScope();
  HandlerScope(const HandlerScope&) = delete;
  HandlerScope& operator=(const HandlerScope&) = delete;

 private:
  ControlBlock* const coroutine_;  // null: nothing to keep from parking
  bool nested_ = false;            // in a handler that this one interrupted
  bool added_alternate_ = false;   // a nested one, the first on the alternate stack
};

/// To be called before a handler is installed: a jump out of it must not be the first to look for
/// libc's functions, since the loader may be what the handler interrupted.
void find_jumps() noexcept;

/// How many handlers that came through us have run on a thread.
struct HandlerCounts {
  unsigned interrupting = 0;
  unsigned restarting = 0;  // installed with SA_RESTART
};
extern constinit thread_local HandlerCounts handler_counts;

/// For a coroutine with ControlBlock::kInHandler in its bypass_depth: true if its handler has been
/// left, so that hooks may park again; clears the mark then.
bool has_left_handler(ControlBlock& coroutine) noexcept;

/// The program jumps to what setjmp noted in `target`: out of its handlers, unless that lies in a
/// handler's own frame. Any thread; signal handlers may call it.
void note_jump(const void* target) noexcept;

}  // namespace colibri
