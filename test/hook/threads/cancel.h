// What the programs that cancel threads have in common.
#pragma once

#include <unistd.h>

#include <string>

#include "test/hook/threads/cases.h"

/// How a thread that was cancelled has ended, by its result.
inline std::string end_of(const Thread& thread) {
  const void* value = thread.join();
  return value == PTHREAD_CANCELED ? "canceled" : value == kValue ? "returned" : "other";
}

inline void let_wait() {
  usleep(3000);  // for the others to wait by now
}
