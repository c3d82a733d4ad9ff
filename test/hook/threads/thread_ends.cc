// A program that knows nothing of colibri: the ways in which threads end their process, one a run.
//
//   thread_ends WAY
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <stdexcept>

namespace {

void say(const char* text) {
  std::puts(text);
  std::fflush(stdout);
}

void start(void* (*body)(void*), void* argument = nullptr) {
  pthread_t thread;
  if (pthread_create(&thread, nullptr, body, argument) != 0) std::exit(99);
}

void* sleep_for_ever(void*) {
  for (;;) pause();
}

int return_from_main() {
  start(&sleep_for_ever);
  usleep(5000);
  std::atexit([] { say("at exit"); });
  return 3;
}

int exit_in_a_thread() {
  std::atexit([] { say("at exit"); });
  start([](void*) -> void* {
    usleep(5000);
    std::exit(4);
  });
  sleep_for_ever(nullptr);
  return 0;
}

int exit_at_once_in_a_thread() {
  std::atexit([] { say("at exit"); });
  start([](void*) -> void* { _exit(5); });
  sleep_for_ever(nullptr);
  return 0;
}

int main_leaves_others_behind() {
  static pthread_t main_thread = pthread_self();
  static pthread_key_t key;
  pthread_key_create(&key, [](void*) { say("main's value is destroyed"); });
  pthread_setspecific(key, &key);
  std::atexit([] { say("at exit"); });
  start([](void*) -> void* {
    void* value = nullptr;
    say(pthread_join(main_thread, &value) == 0 && value == &main_thread ? "joined main" : "no");
    start([](void*) -> void* {
      usleep(5000);
      say("the last");
      return nullptr;
    });
    return nullptr;
  });
  struct Frame {
    ~Frame() { say("unwound"); }
  } const frame;
  pthread_exit(&main_thread);
}

int main_leaves_alone() {
  std::atexit([] { say("at exit"); });
  pthread_exit(nullptr);
}

int an_exception_in_a_thread() {
  start([](void*) -> void* { throw std::runtime_error("nobody catches this"); });
  sleep_for_ever(nullptr);
  return 0;
}

int an_exception_in_main() {
  start(&sleep_for_ever);
  throw std::runtime_error("nobody catches this");
}

int abort_in_a_thread() {
  start([](void*) -> void* { abort(); });
  sleep_for_ever(nullptr);
  return 0;
}

int exit_handlers_may_wait() {
  static pthread_t worker;
  static int ends[2];
  if (pipe(ends) != 0) return 99;
  pthread_create(
      &worker, nullptr,
      [](void*) -> void* {
        char byte;
        say(read(ends[0], &byte, 1) == 1 ? "told to end" : "no");
        return nullptr;
      },
      nullptr);
  std::atexit([] {
    if (write(ends[1], "", 1) == 1) pthread_join(worker, nullptr);
    say("joined");
  });
  return 0;
}

int main_is_cancelled() {
  static pthread_t main_thread = pthread_self();
  std::atexit([] { say("at exit"); });
  start([](void*) -> void* {
    void* value = nullptr;
    usleep(5000);
    pthread_cancel(main_thread);
    say(pthread_join(main_thread, &value) == 0 && value == PTHREAD_CANCELED ? "canceled" : "no");
    return nullptr;
  });
  struct Frame {
    ~Frame() { say("unwound"); }
  } const frame;
  return sleep_for_ever(nullptr) == nullptr ? 0 : 99;
}

struct Variable {
  explicit Variable(const char* its_text) : text(its_text) {}
  ~Variable() { say(text); }
  const char* text;
};
thread_local Variable variable("the variable of who exits");

void make_ones_of_others() {
  start([](void*) -> void* {
    variable.text = "the variable of another";
    return sleep_for_ever(nullptr);
  });
  usleep(5000);
  std::atexit([] { say("at exit"); });
}

int exit_destroys_variables_of_main() {
  make_ones_of_others();
  return variable.text != nullptr ? 6 : 99;
}

int exit_destroys_variables_of_a_thread() {
  make_ones_of_others();
  variable.text = "the variable of main";
  start([](void*) -> void* { std::exit(variable.text != nullptr ? 7 : 99); });
  return sleep_for_ever(nullptr) == nullptr ? 0 : 99;
}

int main_leaves_alone_with_its_variables() {
  std::atexit([] { say("at exit"); });
  if (variable.text != nullptr) pthread_exit(nullptr);
  return 99;
}

int main_leaves_its_variables() {
  make_ones_of_others();
  start([](void*) -> void* {
    usleep(20'000);
    std::exit(8);
  });
  if (variable.text != nullptr) pthread_exit(nullptr);
  return 99;
}

constexpr struct {
  const char* name;
  int (*run)();
} kWays[] = {
#define WAY(name) \
  { #name, &name }
    WAY(return_from_main),
    WAY(exit_in_a_thread),
    WAY(exit_at_once_in_a_thread),
    WAY(main_leaves_others_behind),
    WAY(main_leaves_alone),
    WAY(an_exception_in_a_thread),
    WAY(an_exception_in_main),
    WAY(abort_in_a_thread),
    WAY(exit_handlers_may_wait),
    WAY(main_is_cancelled),
    WAY(exit_destroys_variables_of_main),
    WAY(exit_destroys_variables_of_a_thread),
    WAY(main_leaves_its_variables),
    WAY(main_leaves_alone_with_its_variables),
#undef WAY
};

}  // namespace

int main(int count, char** arguments) {
  for (const auto& way : kWays) {
    if (count < 2) {
      std::puts(way.name);
    } else if (std::strcmp(arguments[1], way.name) == 0) {
      return way.run();
    }
  }
  return count < 2 ? 0 : 98;
}
