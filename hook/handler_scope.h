// While a signal handler of the program's runs in a coroutine, hooks pass through: it must not be
// parked there.
//
// A handler can be left without returning, by siglongjmp, setcontext or an exception. Nobody tells,
// so what is kept of a running handler is asked whenever a hook is called meanwhile: it was left if
// there was a jump since, or if the hook's caller lies above the handler's frame on the stack that
// the handler ran on.
#pragma once

#include <ucontext.h>

#include <cstdint>

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

/// The outermost handler that runs on this thread, in a coroutine. A coroutine that left its
/// handler may have gone on to another one before its next hook: the record is then another's.
struct HandlerRecord {
  const ControlBlock* coroutine = nullptr;
  std::uintptr_t on_stack = 0;      // frame of the outermost handler on the coroutine's stack
  std::uintptr_t on_alternate = 0;  // the same on the alternate signal stack
  std::uintptr_t alternate_low = 0;
  std::uintptr_t alternate_high = 0;
  bool jumped = false;
};

/// While it lives, nothing is known of the handlers that run by now: others are about to run on top
/// of them, in another coroutine.
class [[nodiscard]] HandlerPutAside {
 public:
  HandlerPutAside() noexcept;
  ~HandlerPutAside();
  HandlerPutAside(const HandlerPutAside&) = delete;
  HandlerPutAside& operator=(const HandlerPutAside&) = delete;

 private:
  const HandlerRecord record_;
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

enum class Jump { kOutsideHandlers, kWithinHandler, kOutOfHandler };

/// The program jumps to what setjmp noted in `target`: out of its handlers, unless that lies in a
/// handler's own frame. Any thread; signal handlers may call it.
Jump note_jump(const void* target) noexcept;

}  // namespace colibri
