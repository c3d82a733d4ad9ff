// A program that knows nothing of colibri: what POSIX says of threads, case by case, each a line.
// Run natively and with its threads as coroutines, it must print the same. Nothing in a line
// depends on who runs first.
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <functional>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "test/hook/threads/cases.h"

namespace {

// Begin and end ----------------------------------------------------------------------------------

void returns_a_value(Line& line) {
  const Thread thread([] { return kValue; });
  line << (thread.join() == kValue);
}

void exits_with_a_value_from_a_deep_frame(Line& line) {
  struct Frame {
    Line& line;
    ~Frame() { line << "unwound"; }
  };
  const Thread thread([&]() -> void* {
    const Frame outer{line};
    [&] {
      const Frame inner{line};
      pthread_exit(kValue);
    }();
    return nullptr;
  });
  line << (thread.join() == kValue);
}

void runs_concurrently_with_its_maker(Line& line) {
  Gate there;
  Gate back;
  const Thread thread([&]() -> void* {
    there.open();
    back.pass();
    return nullptr;
  });
  there.pass();
  back.open();
  line << (thread.join() == nullptr);
}

void many_add_up(Line& line) {
  std::atomic<int> sum{0};
  std::vector<Thread> threads;
  for (int i = 1; i <= 200; ++i) {
    threads.emplace_back([&sum, i]() -> void* {
      usleep(100);
      sum += i;
      return nullptr;
    });
  }
  for (const Thread& thread : threads) thread.join();
  line << sum.load();
}

void threads_make_threads(Line& line) {
  std::function<long(int)> count = [&](int depth) -> long {
    if (depth == 0) return 1;
    const Thread left([&] { return reinterpret_cast<void*>(count(depth - 1)); });
    const Thread right([&] { return reinterpret_cast<void*>(count(depth - 1)); });
    return reinterpret_cast<long>(left.join()) + reinterpret_cast<long>(right.join());
  };
  line << count(6);
}

void c11_threads_return_numbers(Line& line) {
  for (const thrd_start_t start : {+[](void* given) { return *static_cast<int*>(given) - 50; },
                                   +[](void* given) {
                                     thrd_exit(*static_cast<int*>(given) + 1);
                                     return 0;
                                   }}) {
    thrd_t thread;
    int number = 8;
    line << (thrd_create(&thread, start, &number) == thrd_success);
    line << (thrd_join(thread, &number) == thrd_success) << number;
  }
}

void c11_threads_know_themselves(Line& line) {
  struct Seen {
    thrd_t self;
    bool other;
  } seen{thrd_current(), false};
  thrd_t thread;
  const auto look = [](void* given) {
    auto& own = *static_cast<Seen*>(given);
    own.other = thrd_equal(thrd_current(), own.self) == 0;
    return 0;
  };
  line << (thrd_create(&thread, look, &seen) == thrd_success);
  line << (thrd_join(thread, nullptr) == thrd_success) << seen.other;
}

void threads_of_cpp(Line& line) {
  std::thread::id inner;
  int value = 0;
  std::thread thread([&](int number) { value = number, inner = std::this_thread::get_id(); }, 7);
  const std::thread::id outer = thread.get_id();
  thread.join();
  line << value << (inner == outer) << (inner != std::this_thread::get_id());
}

void promises_and_async(Line& line) {
  std::promise<int> promise;
  std::thread thread([&] { promise.set_value(11); });
  line << promise.get_future().get();
  thread.join();
  line << std::async(std::launch::async, [] { return 12; }).get();
}

// Join and detach --------------------------------------------------------------------------------

void join_refuses(Line& line) {
  line << error(pthread_join(pthread_self(), nullptr));
  static Gate gate;  // which the thread may pass when this case is over
  const Thread detached([]() -> void* {
    gate.pass();
    return nullptr;
  });
  line << error(pthread_detach(detached.id())) << error(pthread_join(detached.id(), nullptr));
  line << error(pthread_detach(detached.id()));
  gate.open();
}

/// Not among those that are run unless it is named: libc's threads wait for each other for ever.
void join_of_each_other(Line& line) {
  const pthread_t maker = pthread_self();
  std::string said;
  const Thread thread([&]() -> void* {
    usleep(20'000);  // for the maker to wait by now
    said = error(pthread_join(maker, nullptr));
    return nullptr;
  });
  thread.join();
  line << said;
}

/// Neither is this one: libc has both wait for ever.
void two_joiners(Line& line) {
  Gate gate;
  const Thread thread([&]() -> void* {
    gate.pass();
    return kValue;
  });
  const Thread joiner([&] { return thread.join(); });
  usleep(20'000);  // for it to wait by now
  line << error(pthread_join(thread.id(), nullptr));
  gate.open();
  line << (joiner.join() == kValue);
}

void join_in_time(Line& line) {
  Gate gate;
  const Thread thread([&]() -> void* {
    gate.pass();
    return kValue;
  });
  void* value = nullptr;
  line << error(pthread_tryjoin_np(thread.id(), &value));
  line << error(pthread_tryjoin_np(pthread_self(), &value));
  const timespec soon = from_now(CLOCK_REALTIME, 5);
  line << error(pthread_timedjoin_np(thread.id(), &value, &soon));
  const timespec monotonic = from_now(CLOCK_MONOTONIC, 5);
  line << error(pthread_clockjoin_np(thread.id(), &value, CLOCK_MONOTONIC, &monotonic));
  const timespec past{0, 0};
  line << error(pthread_timedjoin_np(thread.id(), &value, &past));
  gate.open();
  const timespec late = from_now(CLOCK_REALTIME, 60'000);
  line << error(pthread_timedjoin_np(thread.id(), &value, &late)) << (value == kValue);
}

void try_join_of_one_that_has_ended(Line& line) {
  const Thread thread([] { return kValue; });
  void* value = nullptr;
  int result;
  while ((result = pthread_tryjoin_np(thread.id(), &value)) == EBUSY) usleep(100);
  line << error(result) << (value == kValue);
}

void detached_from_within(Line& line) {
  static Gate gate;
  static std::string said;
  const Thread thread([]() -> void* {
    said = error(pthread_detach(pthread_self()));
    gate.open();
    return nullptr;
  });
  gate.pass();
  line << said;
}

// Attributes -------------------------------------------------------------------------------------

void made_detached(Line& line) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  static Gate may_end;
  const Thread thread([]() -> void* { return may_end.pass(), nullptr; }, &attributes);
  line << error(thread.error()) << error(pthread_join(thread.id(), nullptr));
  may_end.open();
  pthread_attr_destroy(&attributes);
}

/// Touches all of it.
[[gnu::noinline]] int use_stack(std::size_t bytes) {
  volatile char here[1024];
  here[0] = static_cast<char>(bytes);
  const int below = bytes <= sizeof here + 512 ? 0 : use_stack(bytes - sizeof here - 128);
  asm volatile("" : : "r"(here) : "memory");  // or the compiler makes a loop of it, in one frame
  return below;
}

void stacks_of_the_size_that_was_asked_for(Line& line) {
  for (const std::size_t bytes : {16'384ul, 65'536ul, 1'048'576ul, 33'554'432ul}) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    line << error(pthread_attr_setstacksize(&attributes, bytes));
    const Thread thread(
        [bytes]() -> void* {
          pthread_attr_t own;
          void* low = nullptr;
          std::size_t size = 0;
          const bool known = pthread_getattr_np(pthread_self(), &own) == 0 &&
                             pthread_attr_getstack(&own, &low, &size) == 0;
          const auto* here = static_cast<char*>(__builtin_frame_address(0));
          const bool inside = here > low && here < static_cast<char*>(low) + size;
          pthread_attr_destroy(&own);
          use_stack(bytes / 2);
          return reinterpret_cast<void*>(known && inside && size >= bytes / 4 * 3 ? 1 : 0);
        },
        &attributes);
    line << reinterpret_cast<long>(thread.join());
    pthread_attr_destroy(&attributes);
  }
}

void stacks_of_the_usual_size(Line& line) {
  const Thread thread([]() -> void* {
    use_stack(4 * 1024 * 1024);
    return kValue;
  });
  line << (thread.join() == kValue);
}

void the_state_that_getattr_tells(Line& line) {
  static Gate gate;  // which the thread may pass when this case is over
  const Thread thread([]() -> void* { return gate.pass(), nullptr; });
  for (int i = 0; i < 2; ++i) {
    pthread_attr_t attributes;
    int state = -1;
    line << error(pthread_getattr_np(thread.id(), &attributes));
    pthread_attr_getdetachstate(&attributes, &state);
    line << (state == PTHREAD_CREATE_DETACHED);
    pthread_attr_destroy(&attributes);
    if (i == 0) pthread_detach(thread.id());
  }
  gate.open();
}

// Who a thread is --------------------------------------------------------------------------------

void everybody_is_somebody_else(Line& line) {
  std::set<pthread_t> ids{pthread_self()};
  std::set<pid_t> numbers{gettid()};
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  std::atomic<int> stable{0};
  Gate gate;
  std::vector<Thread> threads;
  for (int i = 0; i < 50; ++i) {
    threads.emplace_back([&]() -> void* {
      const pthread_t id = pthread_self();
      const pid_t number = gettid();
      pthread_mutex_lock(&mutex);
      ids.insert(id);
      numbers.insert(number);
      pthread_mutex_unlock(&mutex);
      gate.pass();
      stable += pthread_equal(id, pthread_self()) != 0 && number == gettid() ? 1 : 0;
      return nullptr;
    });
  }
  usleep(20'000);
  gate.open();
  for (const Thread& thread : threads) thread.join();
  line << ids.size() << numbers.size() << stable.load() << (gettid() == getpid());
  line << (ids.contains(threads.front().id()) ? "known" : "unknown");
}

void names(Line& line) {
  char name[16] = "";
  pthread_setname_np(pthread_self(), "maker");
  Gate gate;
  const Thread thread([&]() -> void* { return gate.pass(), nullptr; });
  line << error(pthread_getname_np(thread.id(), name, sizeof name)) << name;
  line << error(pthread_setname_np(thread.id(), "worker 1"));
  line << error(pthread_getname_np(thread.id(), name, sizeof name)) << name;
  line << error(pthread_setname_np(thread.id(), "sixteen letters!"));
  line << error(pthread_getname_np(thread.id(), name, 15));
  line << error(pthread_getname_np(pthread_self(), name, sizeof name)) << name;
  gate.open();
  thread.join();
}

void errno_is_each_ones_own(Line& line) {
  Gate gate;
  errno = ENOENT;
  const Thread thread([&]() -> void* {
    const bool fresh = errno == 0;
    errno = EDOM;
    gate.open();
    usleep(2000);
    return reinterpret_cast<void*>(fresh && errno == EDOM ? 1 : 0);
  });
  gate.pass();
  const int own = errno;
  line << reinterpret_cast<long>(thread.join()) << error(own);
}

void the_same_policy_may_be_set(Line& line) {
  int policy = -1;
  sched_param priority{};
  Gate gate;
  const Thread thread([&]() -> void* { return gate.pass(), nullptr; });
  line << error(pthread_getschedparam(thread.id(), &policy, &priority)) << policy
       << priority.sched_priority;
  line << error(pthread_setschedparam(thread.id(), policy, &priority));
  line << error(pthread_setschedprio(thread.id(), 0));
  line << error(pthread_setschedparam(thread.id(), SCHED_BATCH, &priority));
  cpu_set_t processors;
  line << error(pthread_getaffinity_np(thread.id(), sizeof processors, &processors));
  gate.open();
  thread.join();
}

// What belongs to a thread -----------------------------------------------------------------------

pthread_key_t keys[2];
std::atomic<int> destroyed{0};
std::atomic<int> set_again{0};

void values_of_keys(Line& line) {
  destroyed = 0;
  const auto destroy = [](void* value) {
    destroyed += static_cast<int>(reinterpret_cast<long>(value));
  };
  for (pthread_key_t& key : keys) pthread_key_create(&key, destroy);
  pthread_setspecific(keys[0], kValue);
  std::vector<Thread> threads;
  for (long i = 1; i <= 10; ++i) {
    threads.emplace_back([i]() -> void* {
      const bool fresh = pthread_getspecific(keys[0]) == nullptr;
      pthread_setspecific(keys[0], reinterpret_cast<void*>(i));
      pthread_setspecific(keys[1], reinterpret_cast<void*>(100 * i));
      usleep(500);
      const bool own = pthread_getspecific(keys[0]) == reinterpret_cast<void*>(i);
      if (i % 2 == 0) pthread_exit(reinterpret_cast<void*>(fresh && own ? 1 : 0));
      return reinterpret_cast<void*>(fresh && own ? 1 : 0);
    });
  }
  long right = 0;
  for (const Thread& thread : threads) right += reinterpret_cast<long>(thread.join());
  line << right << destroyed.load() << (pthread_getspecific(keys[0]) == kValue);
  pthread_setspecific(keys[0], nullptr);
  for (const pthread_key_t key : keys) pthread_key_delete(key);
}

/// As statics of C++ libraries do, before main.
struct EarlyKey {
  EarlyKey() {
    pthread_key_create(&key, nullptr);
    pthread_setspecific(key, kValue);
  }
  pthread_key_t key{};
} const early;

void a_key_made_before_main(Line& line) {
  line << (pthread_getspecific(early.key) == kValue);
  const Thread thread([]() -> void* {
    const bool fresh = pthread_getspecific(early.key) == nullptr;
    pthread_setspecific(early.key, &keys);
    sched_yield();
    return fresh && pthread_getspecific(early.key) == &keys ? kValue : nullptr;
  });
  line << (thread.join() == kValue) << (pthread_getspecific(early.key) == kValue);
}

void destructors_that_set_again(Line& line) {
  set_again = 0;
  pthread_key_create(&keys[0], [](void* value) {
    ++set_again;
    pthread_setspecific(keys[0], value);
  });
  const Thread thread([]() -> void* { return pthread_setspecific(keys[0], kValue), nullptr; });
  thread.join();
  line << set_again.load();
  pthread_key_delete(keys[0]);
}

void destructors_know_their_thread(Line& line) {
  static pthread_t mourner;
  pthread_key_create(&keys[0], [](void*) { mourner = pthread_self(); });
  const Thread thread([]() -> void* { return pthread_setspecific(keys[0], kValue), nullptr; });
  thread.join();
  line << (pthread_equal(mourner, thread.id()) != 0);
  pthread_key_delete(keys[0]);
}

pthread_once_t once = PTHREAD_ONCE_INIT;
std::atomic<int> initialised{0};

void once_for_all(Line& line) {
  std::vector<Thread> threads;
  for (int i = 0; i < 20; ++i) {
    threads.emplace_back([]() -> void* {
      pthread_once(&once, [] {
        usleep(2000);
        ++initialised;
      });
      return reinterpret_cast<void*>(static_cast<long>(initialised.load()));
    });
  }
  long seen = 0;
  for (const Thread& thread : threads) seen += reinterpret_cast<long>(thread.join());
  line << seen << initialised.load();
}

// Locks ------------------------------------------------------------------------------------------

void locks_belong_to_threads(Line& line) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  for (const int type : {PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_RECURSIVE}) {
    pthread_mutexattr_settype(&attributes, type);
    pthread_mutex_t mutex;
    pthread_mutex_init(&mutex, &attributes);
    pthread_mutex_lock(&mutex);
    line << error(pthread_mutex_trylock(&mutex));
    std::string other;
    Thread([&]() -> void* {
      other = error(pthread_mutex_trylock(&mutex)) + " " + error(pthread_mutex_unlock(&mutex));
      return nullptr;
    }).join();
    line << other << error(pthread_mutex_unlock(&mutex));
  }
}

void locks_are_held_over_waits(Line& line) {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_spinlock_t spin;
  pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
  int inside = 0;
  int most = 0;
  int spun = 0;
  std::vector<Thread> threads;
  for (int i = 0; i < 10; ++i) {
    threads.emplace_back([&]() -> void* {
      for (int round = 0; round < 20; ++round) {
        pthread_mutex_lock(&mutex);
        most = std::max(most, ++inside);
        usleep(10);
        --inside;
        pthread_mutex_unlock(&mutex);
        pthread_spin_lock(&spin);
        const int seen = spun;
        usleep(1);
        spun = seen + 1;
        pthread_spin_unlock(&spin);
      }
      return nullptr;
    });
  }
  for (const Thread& thread : threads) thread.join();
  line << most << spun;
}

void yielding_lets_others_on(Line& line) {
  std::atomic<bool> done{false};
  const Thread thread([&]() -> void* {
    done = true;
    return nullptr;
  });
  while (!done) sched_yield();
  line << (thread.join() == nullptr);
}

// Signals ----------------------------------------------------------------------------------------

void kill_of_nobody_and_of_nothing(Line& line) {
  Gate gate;
  const Thread thread([&]() -> void* { return gate.pass(), nullptr; });
  line << error(pthread_kill(thread.id(), 0)) << error(pthread_kill(thread.id(), 100));
  gate.open();
  thread.join();
}

std::atomic<int> handled{0};

void kill_interrupts(Line& line) {
  handled = 0;
  struct sigaction action {};
  action.sa_handler = [](int) { ++handled; };
  sigaction(SIGUSR1, &action, nullptr);
  std::string said;
  std::atomic<bool> ended{false};
  const Thread thread([&]() -> void* {
    said = sleep(60) != 0 ? "interrupted" : "slept";
    ended = true;
    return nullptr;
  });
  usleep(20'000);  // for it to sleep by now
  line << error(pthread_kill(thread.id(), SIGUSR1));
  thread.join();
  line << said << handled.load();
  signal(SIGUSR1, SIG_DFL);
}

constexpr Case kCases[] = {
#define CASE(name) \
  { #name, &name }
    CASE(returns_a_value),
    CASE(exits_with_a_value_from_a_deep_frame),
    CASE(runs_concurrently_with_its_maker),
    CASE(many_add_up),
    CASE(threads_make_threads),
    CASE(c11_threads_return_numbers),
    CASE(c11_threads_know_themselves),
    CASE(threads_of_cpp),
    CASE(promises_and_async),
    CASE(join_refuses),
    CASE(join_in_time),
    CASE(try_join_of_one_that_has_ended),
    CASE(detached_from_within),
    CASE(made_detached),
    CASE(stacks_of_the_size_that_was_asked_for),
    CASE(the_state_that_getattr_tells),
    CASE(everybody_is_somebody_else),
    CASE(names),
    CASE(errno_is_each_ones_own),
    CASE(the_same_policy_may_be_set),
    CASE(values_of_keys),
    CASE(a_key_made_before_main),
    CASE(destructors_that_set_again),
    CASE(destructors_know_their_thread),
    CASE(once_for_all),
    CASE(locks_belong_to_threads),
    CASE(locks_are_held_over_waits),
    CASE(yielding_lets_others_on),
    CASE(kill_of_nobody_and_of_nothing),
    CASE(kill_interrupts),
};
constexpr Case kCasesOfTheirOwn[] = {CASE(stacks_of_the_usual_size), CASE(join_of_each_other),
                                     CASE(two_joiners)};
#undef CASE

}  // namespace

int main(int count, char** arguments) {
  return run_cases(kCases, kCasesOfTheirOwn, count, arguments);
}
