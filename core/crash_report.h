// Sentences for the last moments of a process, written by the handlers of fatal signals.
#pragma once

#include <signal.h>

#include "colibri/core/context.h"
#include "colibri/core/control_block.h"
#include "colibri/core/signal_text.h"

namespace colibri {

/// Takes what a report needs, so that it needs no memory later. Once a process.
void prepare_crash_report() noexcept;

/// Calls `write(argument)` on a stack kept for this, since the handler's may be the program's and
/// small; `write` returns what `handler` then holds. One thread at a time: others wait, and the
/// first one ends the process. False when there is no such stack.
///
/// The process ends by `signal` if `write` takes more than five seconds: standard error may be a
/// full pipe, and the unwinder takes memory, whose lock the interrupted call may hold.
bool write_crash_report(int signal, StackPointer& handler, ContextEntry write,
                        void* argument) noexcept;

/// "coroutine 17 'session' spawned at server.cc:41".
void add_coroutine(SignalText& text, const ControlBlock& coroutine) noexcept;

}  // namespace colibri
