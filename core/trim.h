// Memory that this thread's coroutines no longer need.
#pragma once

namespace colibri {

/// Gives the memory of this thread's free stacks back to the system at once. Without it that
/// happens by itself, half by half, each second after load has fallen, on a thread that runs a
/// scheduler; nowhere else. Coroutines or threads; never parks.
void trim_now() noexcept;

}  // namespace colibri
