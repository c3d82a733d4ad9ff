#include "colibri/hook/threads/main_thread.h"

#include <cstdlib>
#include <exception>

#include "colibri/core/coroutine_exit.h"
#include "colibri/hook/threads/emulated_thread.h"
#include "colibri/hook/threads/signal_delivery.h"
#include "colibri/hook/threads/thread_start.h"
#include "colibri/hook/threads/thread_variables.h"
#include "colibri/hook/threads/variable_destructors.h"

namespace colibri {

void run_main_thread(const std::function<int()>& main, const ThreadChoice& choice) {
  emulated_threads::begin(choice.chosen_stacks);
  signal_delivery::begin();
  if (!choice.shared_variables) thread_variables::begin();
  EmulatedThread& self = *EmulatedThread::current();
  bool left = false;
  int status = EXIT_SUCCESS;
  try {
    status = main();
  } catch (...) {
    if (!is_forced_unwind()) std::terminate();
    arrive_at_entry();
    left = true;
  }
  if (left) {
    // As libc has it: the variables of main are destroyed by the end of the process alone, and if
    // there are others, that is theirs.
    const bool ends_process = emulated_threads::is_alone();
    finish_thread(self);
    if (ends_process) run_variable_destructors(self);
    emulated_threads::until_alone();
  }
  std::exit(status);
}

}  // namespace colibri
