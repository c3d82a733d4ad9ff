// A program that knows nothing of colibri: what pthread_cancel does and leaves behind, case by
// case, each a line. Run natively and with its threads as coroutines, it must print the same.
//
//   cancel_cases [CASE]
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <vector>

#include "test/hook/c_cleanup.h"
#include "test/hook/threads/cancel.h"

namespace {

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
