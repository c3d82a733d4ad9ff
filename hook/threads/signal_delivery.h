// Signals that are for one thread that is a coroutine, and handlers that run on a thread's behalf.
//
// Who does not run is in a hooked call. So its handlers run at once, while it stays there, on the
// stack of whoever sends or of the loop: with the thread's mask, its variables, and as the running
// coroutine. Then its wait hears of it, as a system call does: EINTR, unless the handler has
// SA_RESTART. Who keeps the signal away has it pending.
//
//   sent ──the thread lets it in──▶ handler, or what else the program has chosen
//   sent ──it keeps it away──▶ pending ──it lets it in──▶ handler
//                              pending ──sigwait and its kind──▶ taken
//
// A handler cannot wake anybody, nor can other threads: they leave it to the loop.
#pragma once

#include <optional>

#include "colibri/hook/handler_scope.h"
#include "colibri/hook/threads/emulated_thread.h"

namespace colibri::signal_delivery {

/// The calling scheduler's thread is the one that all threads are coroutines of. Once, before there
/// are any.
void begin() noexcept;

/// Sends what `info` says to `thread`. As pthread_kill: 0, or EAGAIN when there is no room for it.
/// The thread must not be gone. Any thread and any handler.
int send(EmulatedThread& thread, const siginfo_t& info) noexcept;

/// As pthread_sigmask, for `self`, the running coroutine, outside handlers: what was pending and is
/// let in has been handled by the return.
void set_mask(EmulatedThread& self, SignalBits mask) noexcept;

/// At the beginning of a wait of the running coroutine under `mask`: has what is pending for it
/// alone, and is let in by it, handled. True if a handler has run.
bool let_in(const sigset_t& mask) noexcept;

/// Takes a signal of `set` that is pending for the running coroutine alone. 0 if there is none; -1
/// with EFAULT for bad pointers, if it has any to take.
int take(const sigset_t* set, siginfo_t* info) noexcept;

/// The program ignores `signal` from now on.
void discard(int signal) noexcept;

/// A handler of `signal`, which the kernel has called, has run on a scheduler's thread. False: it
/// is for core to tell main. Handlers only.
bool note_handler(int signal, bool restarts) noexcept;

/// The running coroutine leaves a handler by a jump. Ends the process with a sentence where the
/// handler does not run on its thread's own stack.
void leave_handler() noexcept;

/// While it lives, `thread`, which does not run, is the running coroutine.
class [[nodiscard]] ActingAs {
 public:
  explicit ActingAs(EmulatedThread& thread) noexcept;
  ~ActingAs();
  ActingAs(const ActingAs&) = delete;
  ActingAs& operator=(const ActingAs&) = delete;

 private:
  ControlBlock* const running_;
  EmulatedThread* const acted_as_;
  const int errno_;
  const HandlerPutAside handler_;
};

/// Surrounds a handler that the kernel has called: if that was while the loop looked for events, it
/// runs on behalf of a thread that lets `signal` in.
class [[nodiscard]] HandlerOwner {
 public:
  explicit HandlerOwner(int signal) noexcept;

 private:
  std::optional<ActingAs> acting_;
};

}  // namespace colibri::signal_delivery
