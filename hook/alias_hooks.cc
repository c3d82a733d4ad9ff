// The other names under which libc exports calls that are hooked: programs may import these, and
// some old ones do. Each goes by the hook of the usual name. Those of stdio are in
// stream_alias_hooks.cc.
#include <locale.h>
#include <netdb.h>
#include <poll.h>
#include <resolv.h>
#include <signal.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdarg>

#include "colibri/core/libc.h"

extern "C" {

int __close(int fd) {
  return close(fd);
}

int __connect(int fd, const sockaddr* address, socklen_t size) {
  return connect(fd, address, size);
}

int __dup2(int fd, int target) noexcept {
  return dup2(fd, target);
}

int __fcntl(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  return fcntl(fd, command, argument);
}

int __nanosleep(const timespec* span, timespec* left) {
  return nanosleep(span, left);
}

int __pipe(int pair[2]) noexcept {
  return pipe(pair);
}

int __poll(pollfd* descriptors, nfds_t count, int timeout) {
  return poll(descriptors, count, timeout);
}

ssize_t __pread64(int fd, void* buffer, size_t size, off64_t offset) {
  return pread64(fd, buffer, size, offset);
}

ssize_t __pwrite64(int fd, const void* buffer, size_t size, off64_t offset) {
  return pwrite64(fd, buffer, size, offset);
}

ssize_t __read(int fd, void* buffer, size_t size) {
  return read(fd, buffer, size);
}

int __res_nquery(res_state state, const char* name, int kind, int type, unsigned char* answer,
                 int size) noexcept {
  return res_nquery(state, name, kind, type, answer, size);
}

int __res_nquerydomain(res_state state, const char* name, const char* domain, int kind, int type,
                       unsigned char* answer, int size) noexcept {
  return res_nquerydomain(state, name, domain, kind, type, answer, size);
}

int __res_nsearch(res_state state, const char* name, int kind, int type, unsigned char* answer,
                  int size) noexcept {
  return res_nsearch(state, name, kind, type, answer, size);
}

int __res_nsend(res_state state, const unsigned char* message, int length, unsigned char* answer,
                int size) noexcept {
  return res_nsend(state, message, length, answer, size);
}

int __res_query(const char* name, int kind, int type, unsigned char* answer, int size) noexcept {
  return res_query(name, kind, type, answer, size);
}

int __res_querydomain(const char* name, const char* domain, int kind, int type,
                      unsigned char* answer, int size) noexcept {
  return res_querydomain(name, domain, kind, type, answer, size);
}

int __res_search(const char* name, int kind, int type, unsigned char* answer, int size) noexcept {
  return res_search(name, kind, type, answer, size);
}

int __res_send(const unsigned char* message, int length, unsigned char* answer, int size) noexcept {
  return res_send(message, length, answer, size);
}

int __select(int count, fd_set* readers, fd_set* writers, fd_set* exceptions, timeval* timeout) {
  return select(count, readers, writers, exceptions, timeout);
}

ssize_t __send(int fd, const void* buffer, size_t size, int flags) {
  return send(fd, buffer, size, flags);
}

int __sigaction(int number, const struct sigaction* wanted, struct sigaction* previous) noexcept {
  return sigaction(number, wanted, previous);
}

int __sigsuspend(const sigset_t* mask) {
  return sigsuspend(mask);
}

locale_t __uselocale(locale_t wanted) noexcept {
  return uselocale(wanted);
}

pid_t __wait(int* status) {
  return wait(status);
}

pid_t __waitpid(pid_t process, int* status, int options) {
  return waitpid(process, status, options);
}

ssize_t __write(int fd, const void* buffer, size_t size) {
  return write(fd, buffer, size);
}

sighandler_t bsd_signal(int number, sighandler_t handler) noexcept {
  return signal(number, handler);
}

sighandler_t ssignal(int number, sighandler_t handler) noexcept {
  return signal(number, handler);
}

}  // extern "C"
