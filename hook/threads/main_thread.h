// The program's main as the first of threads that are coroutines.
#pragma once

#include <functional>

namespace colibri {

/// Runs `main`, which calls the program's, as the main thread, and ends the process as libc
/// does: with the status that it returns, whatever the others are doing; or, when it leaves by
/// pthread_exit, with 0 once all others have ended. `stacks_are_chosen`: see
/// emulated_threads::begin. In a coroutine that may park.
[[noreturn]] void run_main_thread(const std::function<int()>& main, bool stacks_are_chosen);

}  // namespace colibri
