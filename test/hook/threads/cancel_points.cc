// A program that knows nothing of colibri: in which calls pthread_cancel acts, case by case, each a
// line. Run natively and with its threads as coroutines, it must print the same.
//
//   cancel_points [CASE]
#include <arpa/inet.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <string>

#include "test/hook/threads/cancel.h"

namespace {

/// What calls may wait on, and never get.
struct Silence {
  Silence() {
    if (pipe(pipes) != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0) return;
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, reinterpret_cast<sockaddr*>(&any), sizeof any) != 0) return;
    if (listen(listener, 1) != 0) return;
    set = epoll_create1(0);
    sem_init(&semaphore, 0, 0);
  }
  ~Silence() {
    for (const int each : {pipes[0], pipes[1], sockets[0], sockets[1], listener, set}) close(each);
  }
  int pipes[2];
  int sockets[2];
  int listener;
  int set;
  sem_t semaphore;
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
};

constexpr timespec kLong{3600, 0};
/// Not known to the compiler, so that a fortifying one has its own calls check it.
volatile std::size_t one = 1;

struct Point {
  const char* name;
  void (*wait)(Silence&);
};

const Point kPoints[] = {
    {"read",
     [](Silence& here) {
       char bytes[8];
       [[maybe_unused]] const ssize_t size = read(here.pipes[0], bytes, one);
     }},
    {"readv",
     [](Silence& here) {
       char byte;
       const iovec buffer{&byte, 1};
       [[maybe_unused]] const ssize_t size = readv(here.pipes[0], &buffer, 1);
     }},
    {"recv",
     [](Silence& here) {
       char bytes[8];
       recv(here.sockets[0], bytes, one, 0);
     }},
    {"recvfrom",
     [](Silence& here) {
       char bytes[8];
       recvfrom(here.sockets[0], bytes, one, 0, nullptr, nullptr);
     }},
    {"recvmsg",
     [](Silence& here) {
       msghdr message{};
       recvmsg(here.sockets[0], &message, 0);
     }},
    {"accept", [](Silence& here) { accept(here.listener, nullptr, nullptr); }},
    {"accept4", [](Silence& here) { accept4(here.listener, nullptr, nullptr, SOCK_CLOEXEC); }},
    {"poll",
     [](Silence& here) {
       pollfd questions[2] = {{here.pipes[0], POLLIN, 0}};
       poll(questions, one, -1);
     }},
    {"select",
     [](Silence& here) {
       fd_set set;
       FD_ZERO(&set);
       FD_SET(here.pipes[0], &set);
       select(here.pipes[0] + 1, &set, nullptr, nullptr, nullptr);
     }},
    {"epoll_wait",
     [](Silence& here) {
       epoll_event event{};
       epoll_wait(here.set, &event, 1, -1);
     }},
    {"sleep", [](Silence&) { sleep(3600); }},
    {"usleep", [](Silence&) { usleep(999'999'999); }},
    {"nanosleep", [](Silence&) { nanosleep(&kLong, nullptr); }},
    {"clock_nanosleep", [](Silence&) { clock_nanosleep(CLOCK_MONOTONIC, 0, &kLong, nullptr); }},
    {"pause", [](Silence&) { pause(); }},
    {"sigsuspend",
     [](Silence&) {
       sigset_t none;
       sigemptyset(&none);
       sigsuspend(&none);
     }},
    {"sigwait",
     [](Silence&) {
       sigset_t set;
       int signal;
       sigemptyset(&set);
       sigaddset(&set, SIGUSR2);
       sigwait(&set, &signal);
     }},
    {"sem_wait", [](Silence& here) { sem_wait(&here.semaphore); }},
    {"sem_timedwait",
     [](Silence& here) {
       const timespec late = from_now(CLOCK_REALTIME, 3'600'000);
       sem_timedwait(&here.semaphore, &late);
     }},
    {"pthread_cond_wait",
     [](Silence& here) {
       pthread_mutex_lock(&here.mutex);
       pthread_cond_wait(&here.condition, &here.mutex);
     }},
    {"pthread_cond_timedwait",
     [](Silence& here) {
       const timespec late = from_now(CLOCK_REALTIME, 3'600'000);
       pthread_mutex_lock(&here.mutex);
       pthread_cond_timedwait(&here.condition, &here.mutex, &late);
     }},
};

void act_in_the_midst_of_waits(Line& line) {
  for (const Point& point : kPoints) {
    Silence here;
    const Thread thread([&]() -> void* { return point.wait(here), kValue; });
    let_wait();
    line << point.name << error(pthread_cancel(thread.id())) << end_of(thread);
  }
}

void act_before_waits(Line& line) {
  for (const Point& point : kPoints) {
    Silence here;
    Gate gate;
    const Thread thread([&]() -> void* {
      pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
      gate.pass();
      pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr);
      point.wait(here);
      return kValue;
    });
    line << point.name << error(pthread_cancel(thread.id()));
    gate.open();
    line << end_of(thread);
  }
}

void leave_what_has_come(Line& line) {
  Silence here;
  Gate gate;
  const Thread thread([&]() -> void* {
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
    gate.pass();
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr);
    char byte;
    return read(here.pipes[0], &byte, 1) == 1 ? kValue : nullptr;
  });
  if (write(here.pipes[1], "x", 1) != 1) return;
  pthread_cancel(thread.id());
  gate.open();
  line << end_of(thread);
  char byte = '-';
  if (read(here.pipes[0], &byte, 1) == 1) line << std::string(1, byte);
}

void pass_by_locks(Line& line) {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  std::atomic<bool> has_it{false};
  pthread_mutex_lock(&mutex);
  const Thread thread([&]() -> void* {
    const timespec late = from_now(CLOCK_REALTIME, 60'000);
    const int locked = pthread_mutex_timedlock(&mutex, &late);
    has_it = locked == 0;
    pthread_mutex_unlock(&mutex);
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    pthread_testcancel();
    return kValue;
  });
  let_wait();
  pthread_cancel(thread.id());
  let_wait();
  line << has_it.load();
  pthread_mutex_unlock(&mutex);
  line << end_of(thread) << has_it.load();
}

constexpr Case kCases[] = {
#define CASE(name) \
  { #name, &name }
    CASE(act_in_the_midst_of_waits),
    CASE(act_before_waits),
    CASE(leave_what_has_come),
    CASE(pass_by_locks),
#undef CASE
};

}  // namespace

int main(int count, char** arguments) {
  return run_cases(kCases, {}, count, arguments);
}
