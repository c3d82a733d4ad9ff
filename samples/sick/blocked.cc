// A sick server: blocked by a call that nobody sees.
//
//   COLIBRI_WATCHDOG=10ms bazel run --config=opt //samples/sick:blocked
//
// Each request asks a licence service. The function that asks comes from somebody else's library,
// and enters the kernel by an instruction of its own: no hook sees it. While it waits for the
// service, 50 ms, nobody else is served. The watchdog names it: the system call, the socket, the
// function. After ten requests the server ends.
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

#include "colibri/colibri.h"

/// Somebody else's: receives a byte as some runtimes do, past libc.
extern "C" [[gnu::noinline]] long ask_for_licence(int service) {
  char answer = 0;
  long result = 0;
#if defined(__x86_64__)
  asm volatile("syscall"
               : "=a"(result)
               : "0"(static_cast<long>(SYS_read)), "D"(static_cast<long>(service)), "S"(&answer),
                 "d"(1L)
               : "rcx", "r11", "memory");
#else
  register long number asm("x8") = SYS_read;
  register long first asm("x0") = service;
  register char* second asm("x1") = &answer;
  register long third asm("x2") = 1;
  asm volatile("svc #0" : "+r"(first) : "r"(number), "r"(second), "r"(third) : "memory");
  result = first;
#endif
  return result == 1 ? answer : -1;
}

namespace {

constexpr int kRequests = 10;

/// The licence service: one answer every 50 ms.
void serve_licences(int connection) {
  for (int i = 0; i < kRequests; ++i) {
    usleep(50'000);
    if (send(connection, "y", 1, MSG_NOSIGNAL) != 1) break;
  }
  close(connection);
}

}  // namespace

int main() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return 1;
  // In another process it would be no different.
  std::thread service(serve_licences, ends[0]);
  colibri::run([&] {
    for (int i = 0; i < kRequests; ++i) {
      colibri::spawn({.name = "request"}, [&] { ask_for_licence(ends[1]); }).join();
    }
  });
  service.join();
  close(ends[1]);
  std::printf("served %d requests\n", kRequests);
}
