// A program that knows nothing of colibri: what holds for thread-local variables, case by case,
// each a line. Run natively and with its threads as coroutines, it must print the same.
//
//   variable_cases [CASE]
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "test/hook/threads/cases.h"
#include "test/hook/threads/variables_library.h"

namespace {

int somewhere = 0;

thread_local int zero;
thread_local int forty_two = 42;
thread_local int* pointer = &somewhere;  // which the loader has to set right
alignas(64) thread_local char aligned[100] = "aligned";
thread_local char large[65536];

std::vector<long> results(const std::vector<Thread>& threads) {
  std::vector<long> all;
  for (const Thread& thread : threads) all.push_back(reinterpret_cast<long>(thread.join()));
  return all;
}

long sum(const std::vector<long>& numbers) {
  long total = 0;
  for (const long number : numbers) total += number;
  return total;
}

/// So many threads that call `body(i)` at once; the sum of what they return.
template <class Body>
long sum_of(int count, Body body) {
  std::vector<Thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([=]() -> void* { return reinterpret_cast<void*>(long{body(i)}); });
  }
  return sum(results(threads));
}

void begin_as_they_are_written(Line& line) {
  zero = 1, forty_two = 1, pointer = nullptr, aligned[0] = 'A';
  line << sum_of(20, [](int) {
    const bool right = zero == 0 && forty_two == 42 && pointer == &somewhere;
    const bool is_aligned = reinterpret_cast<std::uintptr_t>(aligned) % 64 == 0;
    return right && is_aligned && std::strcmp(aligned, "aligned") == 0 ? 1 : 0;
  });
  line << zero << forty_two << (pointer == nullptr) << aligned;
}

void keep_their_values_over_waits(Line& line) {
  zero = -1;
  line << sum_of(50, [](int i) {
    zero = i;
    std::memset(large, i, sizeof large);
    int right = 0;
    for (int round = 0; round < 20; ++round) {
      usleep(10);
      const bool whole = std::all_of(std::begin(large), std::end(large),
                                     [i](char each) { return each == static_cast<char>(i); });
      right += zero == i + round && whole ? 1 : 0;
      ++zero;
    }
    return right;
  });
  line << zero;
}

void may_be_used_by_their_address(Line& line) {
  line << sum_of(20, [](int i) {
    int* const own = &forty_two;
    *own = i;
    usleep(100);
    return *own == i && own == &forty_two ? 1 : 0;
  });
}

// Descriptors ------------------------------------------------------------------------------------

void take_what_read_brings(Line& line) {
  int ends[2][2];
  if (pipe(ends[0]) != 0 || pipe(ends[1]) != 0) return;
  std::vector<Thread> threads;
  for (const auto& pipe : ends) {
    threads.emplace_back([&pipe]() -> void* {
      const ssize_t size = read(pipe[0], aligned, sizeof aligned);
      return reinterpret_cast<void*>(size == 1 ? long{aligned[0]} : -1);
    });
  }
  usleep(5000);
  for (const int i : {1, 0}) {
    if (write(ends[i][1], i == 0 ? "a" : "b", 1) != 1) return;
  }
  for (const long result : results(threads)) line << result;
  line << aligned[0];
  for (const auto& pipe : ends) close(pipe[0]), close(pipe[1]);
}

/// What is not in memory is read by somebody else, while others run.
void take_what_a_file_brings(Line& line) {
  char name[] = "variables.XXXXXX";
  const int file = mkstemp(name);
  unlink(name);
  for (int i = 0; i < 8; ++i) {
    std::fill(std::begin(large), std::end(large), static_cast<char>('a' + i));
    if (write(file, large, sizeof large) != sizeof large) return;
  }
  fsync(file);
  posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  line << sum_of(8, [file](int i) {
    const off_t place = static_cast<off_t>(sizeof large) * i;
    if (pread(file, large, sizeof large, place) != sizeof large) return 0;
    return static_cast<int>(std::count(std::begin(large), std::end(large), 'a' + i));
  });
  close(file);
}

// Objects ----------------------------------------------------------------------------------------

/// What became of objects, as numbers, in its order. One thread after the other.
std::string history;

struct Object {
  explicit Object(const char* its_name) : name(its_name) { history += std::string("+") + name; }
  ~Object() {
    history += std::string("-") + name;
    if (ended != nullptr) ended();
  }
  const char* name;
  void (*ended)() = nullptr;
};

thread_local Object first("a");
thread_local Object second("b");
thread_local Object late("c");

void are_made_and_destroyed_as_objects(Line& line) {
  for (const bool leaves : {false, true}) {
    history.clear();
    Thread([leaves]() -> void* {
      second.ended = [] { history += late.name; };  // made in a destructor
      if (leaves) pthread_exit(nullptr);
      return nullptr;
    }).join();
    line << history;
  }
}

void are_destroyed_before_values_of_keys(Line& line) {
  static pthread_key_t key;
  history.clear();
  pthread_key_create(&key, [](void*) { history += "key"; });
  Thread([]() -> void* {
    pthread_setspecific(key, &somewhere);
    history += first.name;
    return nullptr;
  }).join();
  line << history;
  pthread_key_delete(key);
}

std::atomic<int> alive{0};

struct Counted {
  Counted() { ++alive; }
  ~Counted() { --alive; }
  int value = 3;
};
thread_local Counted counted;

void are_as_many_objects_as_threads(Line& line) {
  std::atomic<int> most{0};
  line << sum_of(30, [&most](int i) {
    counted.value += i;
    usleep(2000);
    most = std::max(most.load(), alive.load());
    return counted.value == 3 + i ? 1 : 0;
  });
  line << (most > 1) << alive.load();
}

void may_be_the_values_of_keys(Line& line) {
  static pthread_key_t key;
  static std::atomic<int> destroyed{0};
  pthread_key_create(&key, [](void* value) { destroyed += *static_cast<int*>(value); });
  line << sum_of(10, [](int i) {
    const bool fresh = pthread_getspecific(key) == nullptr;
    zero = i;
    pthread_setspecific(key, &zero);
    usleep(100);
    return fresh && pthread_getspecific(key) == &zero ? 1 : 0;
  });
  line << destroyed.load() << (pthread_getspecific(key) == nullptr);
  pthread_key_delete(key);
}

// Libraries --------------------------------------------------------------------------------------

void of_a_library(Line& line) {
  line << sum_of(20, [](int i) {
    add_in_library(i);
    add_to_object_in_library(i + 1);
    usleep(500);
    return add_in_library(1) == 7 + 2 * (i + 1) && add_to_object_in_library(1) == 7 + i ? 1 : 0;
  });
  line << count_of_objects_in_library() << add_in_library(0);
}

/// One that a thread opens while others run.
struct Plugin {
  explicit Plugin(void* opened)
      : handle(opened),
        add(reinterpret_cast<int (*)(int)>(dlsym(handle, "add_in_plugin"))),
        add_to_object(reinterpret_cast<int (*)(int)>(dlsym(handle, "add_to_object_in_plugin"))) {}
  void* handle;
  int (*add)(int);
  int (*add_to_object)(int);
};

Plugin open_plugin() {
  char program[PATH_MAX] = "";
  if (readlink("/proc/self/exe", program, sizeof program - 1) < 0) abort();
  const std::string path(program);
  void* handle =
      dlopen((path.substr(0, path.rfind('/')) + "/libvariables_plugin.so").c_str(), RTLD_NOW);
  if (handle == nullptr) std::puts(dlerror());
  return Plugin(handle);
}

void of_a_library_that_is_opened_late(Line& line) {
  for (int round = 0; round < 3; ++round) {
    static Plugin* plugin;
    static Gate* opened;
    Gate gate;
    opened = &gate;
    std::vector<Thread> threads;
    for (int i = 0; i < 10; ++i) {
      threads.emplace_back([i]() -> void* {
        opened->pass();
        plugin->add(i);
        sched_yield();
        usleep(100);
        return reinterpret_cast<void*>(plugin->add(1) == 2 * (i + 1) + 100 ? 1L : 0L);
      });
    }
    usleep(2000);
    Plugin here = open_plugin();
    plugin = &here;
    line << here.add(10);
    usleep(100);
    gate.open();
    line << sum(results(threads)) << here.add(10) << dlclose(here.handle);
  }
}

void keep_their_library_until_they_are_destroyed(Line& line) {
  Gate used;
  Gate closed;
  const Plugin plugin = open_plugin();
  const Thread thread([&]() -> void* {
    const int value = plugin.add_to_object(1);
    used.open();
    closed.pass();
    return reinterpret_cast<void*>(long{value});
  });
  used.pass();
  line << dlclose(plugin.handle);
  closed.open();
  line << reinterpret_cast<long>(thread.join());
}

// For the test of --tls=share.
void are_one_for_all(Line& line) {
  zero = 0;
  line << sum_of(10, [](int) {
    usleep(100);
    return ++zero;
  }) << zero;
}

constexpr Case kCases[] = {
#define CASE(name) \
  { #name, &name }
    CASE(begin_as_they_are_written),
    CASE(keep_their_values_over_waits),
    CASE(may_be_used_by_their_address),
    CASE(take_what_read_brings),
    CASE(take_what_a_file_brings),
    CASE(are_made_and_destroyed_as_objects),
    CASE(are_destroyed_before_values_of_keys),
    CASE(are_as_many_objects_as_threads),
    CASE(may_be_the_values_of_keys),
    CASE(of_a_library),
    CASE(of_a_library_that_is_opened_late),
    CASE(keep_their_library_until_they_are_destroyed),
};
constexpr Case kCasesOfTheirOwn[] = {CASE(are_one_for_all)};
#undef CASE

}  // namespace

int main(int count, char** arguments) {
  return run_cases(kCases, kCasesOfTheirOwn, count, arguments);
}
