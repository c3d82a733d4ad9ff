// What the classics of POSIX threads share. C, as they were written in.
#pragma once

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/// Ends the process with a sentence if a call of pthread's has failed.
static inline void must(int error) {
  if (error == 0) return;
  fprintf(stderr, "failed: %s\n", strerror(error));
  exit(1);
}

/// The same for calls that set errno.
static inline void must_be(int is_right) {
  must(is_right ? 0 : errno != 0 ? errno : EPROTO);
}

/// Starts `count` threads that run `body` with their number, and waits for all.
static inline void run_all(int count, void* (*body)(void*)) {
  pthread_t threads[64];
  for (int i = 0; i < count; ++i) {
    must(pthread_create(&threads[i], NULL, body, (void*)(intptr_t)i));
  }
  for (int i = 0; i < count; ++i) must(pthread_join(threads[i], NULL));
}
