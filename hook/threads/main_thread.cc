#include "colibri/hook/threads/main_thread.h"

#include <cstdlib>
#include <exception>

#include "colibri/core/coroutine_exit.h"
#include "colibri/hook/threads/emulated_thread.h"
#include "colibri/hook/threads/thread_start.h"

namespace colibri {

void run_main_thread(const std::function<int()>& main, bool stacks_are_chosen) {
  emulated_threads::begin(stacks_are_chosen);
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
    finish_thread(self);
    emulated_threads::until_alone();
  }
  std::exit(status);
}

}  // namespace colibri
