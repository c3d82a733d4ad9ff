// Where signal handlers run when a coroutine's own stack has no room left.
#pragma once

namespace colibri {

/// Gives the calling thread an alternate signal stack, which goes with the thread. One that the
/// program has set itself stays, unless a handler of ours would not fit. Without memory for one,
/// nothing happens.
void ensure_alternate_stack() noexcept;

}  // namespace colibri
