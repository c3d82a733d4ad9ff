// A program that knows nothing of colibri: what pthread_cancel does, case by case, each a line. Run
// natively and with its threads as coroutines, it must print the same.
//
//   cancel_cases [CASE]
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
#include <vector>

#include "test/hook/c_cleanup.h"
#include "test/hook/threads/cases.h"

namespace {

std::string end_of(const Thread& thread) {
  const void* value = thread.join();
  return value == PTHREAD_CANCELED ? "canceled" : value == kValue ? "returned" : "other";
}

void let_wait() {
  usleep(3000);  // for the others to wait by now
}

// Points -----------------------------------------------------------------------------------------

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

// What is left behind ----------------------------------------------------------------------------

void lock_again_before_handlers_run(Line& line) {
  static pthread_mutex_t mutex;
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutex_init(&mutex, &attributes);
  pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
  static std::string said;
  const Thread thread([&]() -> void* {
    pthread_mutex_lock(&mutex);
    pthread_cleanup_push([](void*) { said = error(pthread_mutex_unlock(&mutex)); }, nullptr);
    for (;;) pthread_cond_wait(&condition, &mutex);
    pthread_cleanup_pop(0);
  });
  let_wait();
  pthread_mutex_lock(&mutex);
  pthread_cancel(thread.id());
  let_wait();
  line << (said.empty() ? "waits for the lock" : "has it");
  pthread_mutex_unlock(&mutex);
  line << end_of(thread) << said << error(pthread_mutex_lock(&mutex));
  pthread_mutex_unlock(&mutex);
}

void take_no_signal_along(Line& line) {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
  int signals = 0;
  std::vector<Thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&]() -> void* {
      pthread_mutex_lock(&mutex);
      pthread_cleanup_push(
          [](void* held) { pthread_mutex_unlock(static_cast<pthread_mutex_t*>(held)); }, &mutex);
      while (signals == 0) pthread_cond_wait(&condition, &mutex);
      --signals;
      pthread_cleanup_pop(1);
      return kValue;
    });
    let_wait();
  }
  pthread_cancel(threads[0].id());
  line << end_of(threads[0]);
  pthread_mutex_lock(&mutex);
  ++signals;
  pthread_cond_signal(&condition);
  pthread_mutex_unlock(&mutex);
  line << end_of(threads[1]) << signals;
}

void leave_whom_they_join(Line& line) {
  Gate gate;
  const Thread joined([&]() -> void* { return gate.pass(), kValue; });
  const Thread joiner([&]() -> void* { return joined.join(); });
  let_wait();
  pthread_cancel(joiner.id());
  line << end_of(joiner);
  gate.open();
  line << end_of(joined);
}

/// What happened in a thread on its way out, in its order. One thread after the other.
std::string history;

struct Frame {
  const char* name;
  ~Frame() { history += name; }
};

void unwind_frames_and_handlers(Line& line) {
  static pthread_key_t key;
  pthread_key_create(&key, [](void*) { history += "key"; });
  const Thread thread([]() -> void* {
    const Frame outer{"outer "};
    pthread_setspecific(key, kValue);
    pthread_cleanup_push([](void*) { history += "handler "; }, nullptr);
    const Frame inner{"inner "};
    const auto note = [](void* initial) { history += *static_cast<char*>(initial); };
    with_c_cleanups(note, [] { pause(); });
    pthread_cleanup_pop(0);
    return kValue;
  });
  let_wait();
  pthread_cancel(thread.id());
  line << end_of(thread) << history;
  pthread_key_delete(key);
}

void let_handlers_wait(Line& line) {
  static std::string said;
  const Thread thread([]() -> void* {
    pthread_cleanup_push(
        [](void*) {
          int ends[2];
          char byte = '-';
          usleep(1000);
          pthread_testcancel();
          const bool done =
              pipe(ends) == 0 && write(ends[1], "x", 1) == 1 && read(ends[0], &byte, 1) == 1;
          said = done ? std::string(1, byte) : "failed";
          close(ends[0]);
          close(ends[1]);
        },
        nullptr);
    for (;;) pause();
    pthread_cleanup_pop(0);
  });
  let_wait();
  pthread_cancel(thread.id());
  usleep(500);
  pthread_cancel(thread.id());  // in the midst of the handler
  line << end_of(thread) << said;
}

// States and types -------------------------------------------------------------------------------

void wait_until_they_are_enabled(Line& line) {
  static std::string said;
  const Thread thread([]() -> void* {
    int old = -1;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    said = std::to_string(old);
    usleep(10'000);
    pthread_testcancel();
    said += " slept ";
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
    said += std::to_string(old);
    pthread_testcancel();
    said += " not canceled";
    return kValue;
  });
  let_wait();
  pthread_cancel(thread.id());
  line << end_of(thread) << said;
}

void refuse_unknown_states_and_types(Line& line) {
  int old = -1;
  line << error(pthread_setcancelstate(7, &old)) << error(pthread_setcanceltype(7, &old)) << old;
  line << error(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old)) << old;
  line << error(pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &old)) << old;
  line << error(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr));
}

void of_oneself(Line& line) {
  static std::string said;
  for (const int type : {PTHREAD_CANCEL_DEFERRED, PTHREAD_CANCEL_ASYNCHRONOUS}) {
    const Thread thread([type]() -> void* {
      pthread_setcanceltype(type, nullptr);
      said = "before";
      pthread_cancel(pthread_self());
      said = "after";
      pthread_testcancel();
      return kValue;
    });
    line << end_of(thread) << said;
  }
}

void asynchronously(Line& line) {
  const Thread thread([]() -> void* {
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, nullptr);
    for (;;) usleep(100);
  });
  let_wait();
  pthread_cancel(thread.id());
  line << end_of(thread);
}

void of_those_that_have_ended(Line& line) {
  const Thread thread([] { return kValue; });
  let_wait();
  line << error(pthread_cancel(thread.id())) << end_of(thread);
}

void of_many(Line& line) {
  std::vector<Thread> threads;
  for (int i = 0; i < 100; ++i) {
    threads.emplace_back([i]() -> void* {
      for (;;) usleep(100 + i);
    });
  }
  let_wait();
  for (const Thread& thread : threads) pthread_cancel(thread.id());
  int canceled = 0;
  for (const Thread& thread : threads) canceled += thread.join() == PTHREAD_CANCELED ? 1 : 0;
  line << canceled;
}

constexpr Case kCases[] = {
#define CASE(name) \
  { #name, &name }
    CASE(act_in_the_midst_of_waits),
    CASE(act_before_waits),
    CASE(leave_what_has_come),
    CASE(pass_by_locks),
    CASE(lock_again_before_handlers_run),
    CASE(take_no_signal_along),
    CASE(leave_whom_they_join),
    CASE(unwind_frames_and_handlers),
    CASE(let_handlers_wait),
    CASE(wait_until_they_are_enabled),
    CASE(refuse_unknown_states_and_types),
    CASE(of_oneself),
    CASE(asynchronously),
    CASE(of_those_that_have_ended),
    CASE(of_many),
#undef CASE
};

}  // namespace

int main(int count, char** arguments) {
  return run_cases(kCases, {}, count, arguments);
}
