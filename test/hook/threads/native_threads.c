// A program that knows nothing of colibri: for each of its threads, whether it has a thread of the
// kernel's to itself. Its functions are known to the dynamic linker.
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static void* is_elsewhere(void* value) {
  return syscall(SYS_gettid) != getpid() ? value : (void*)-1;
}

void* compute(void* value) {
  return is_elsewhere(value);
}

void* serve(void* value) {
  return is_elsewhere(value);
}

int main(void) {
  void* (*const bodies[])(void*) = {&compute, &serve};
  const char* const names[] = {"compute", "serve"};
  for (int i = 0; i < 2; ++i) {
    pthread_t thread;
    void* value = NULL;
    if (pthread_create(&thread, NULL, bodies[i], (void*)(intptr_t)(7 + i)) != 0) return 1;
    if (pthread_join(thread, &value) != 0) return 1;
    printf("%s %d\n", names[i], (int)(intptr_t)value);
  }
}
