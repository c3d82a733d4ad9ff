// A shared library that knows nothing of colibri, for the watchdog to find: opened with
// RTLD_DEEPBIND, its calls go past the hooks.
#include <poll.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace {

pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

}  // namespace

// After each call there is something left to do, so that none becomes a jump.
extern "C" {

ssize_t escaping_read(int descriptor) {
  char byte;
  const ssize_t size = read(descriptor, &byte, 1);
  return size > 0 ? size : 0;
}

int escaping_poll(int descriptor) {
  pollfd set{descriptor, POLLIN, 0};
  const int count = poll(&set, 1, -1);
  return count > 0 ? set.revents : -1;
}

long escaping_raw_read(int descriptor) {
  char byte;
  long result;
#if defined(__x86_64__)
  asm volatile("syscall"
               : "=a"(result)
               : "0"(static_cast<long>(SYS_read)), "D"(static_cast<long>(descriptor)), "S"(&byte),
                 "d"(1L)
               : "rcx", "r11", "memory");
#else
  register long number asm("x8") = SYS_read;
  register long first asm("x0") = descriptor;
  register char* second asm("x1") = &byte;
  register long third asm("x2") = 1;
  asm volatile("svc #0" : "+r"(first) : "r"(number), "r"(second), "r"(third) : "memory");
  result = first;
#endif
  return result > 0 ? result : 0;
}

long escaping_spin(const volatile bool* enough) {
  long turns = 0;
  timespec spent{};
  // A minute of the processor's time at most.
  while (!*enough && spent.tv_sec < 60) {
    if (++turns % 1'000'000 == 0) clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  }
  return turns;
}

/// Holds the library's lock, which is one of libc's, while it calls back.
void escaping_hold(void (*call)()) {
  pthread_mutex_lock(&lock);
  call();
  pthread_mutex_unlock(&lock);
}

/// Waits for that lock for so long; 0 if it had it.
int escaping_lock(int milliseconds) {
  timespec until{};
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += milliseconds * 1'000'000L;
  until.tv_sec += until.tv_nsec / 1'000'000'000;
  until.tv_nsec %= 1'000'000'000;
  const int result = pthread_mutex_timedlock(&lock, &until);
  if (result == 0) pthread_mutex_unlock(&lock);
  return result;
}

}  // extern "C"
