// The program's main as the first of threads that are coroutines.
#pragma once

#include <functional>

namespace colibri {

/// What the user has chosen for the threads of a program.
struct ThreadChoice {
  bool chosen_stacks = false;     // see emulated_threads::begin
  bool shared_variables = false;  // thread-local variables are one for all; see thread_variables.h
};

/// Runs `main`, which calls the program's, as the main thread, and ends the process as libc
/// does: with the status that it returns, whatever the others are doing; or, when it leaves by
/// pthread_exit, with 0 once all others have ended. In a coroutine that may park.
[[noreturn]] void run_main_thread(const std::function<int()>& main, const ThreadChoice& choice);

}  // namespace colibri
