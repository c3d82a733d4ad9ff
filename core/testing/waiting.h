// Who waits, for reports of a run in which nobody can go on.
#pragma once

#include <string>

namespace colibri::testing {

/// The coroutines of the calling thread's scheduler, oldest first, each with what it waits for and
/// its stack; of many, only some. Outside coroutines, while there are any. Empty when there is no
/// memory.
std::string describe_waiting() noexcept;

}  // namespace colibri::testing
