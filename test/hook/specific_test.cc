// Whose thread-specific data is: each coroutine's own, but for keys that mean the thread.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <memory>
#include <string>
#include <thread>

#include "colibri/core/coroutine.h"
#include "colibri/core/local.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/hook/hook.h"
#include "test/support/run_in_scheduler.h"

namespace colibri::test {
namespace {

/// A key that is deleted with the scope.
class Key {
 public:
  explicit Key(void (*destructor)(void*) = nullptr) {
    EXPECT_EQ(pthread_key_create(&key_, destructor), 0);
  }
  explicit Key(pthread_key_t key) : key_(key) {}
  ~Key() { EXPECT_EQ(pthread_key_delete(key_), 0); }
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;

  void set(const void* value) const { EXPECT_EQ(pthread_setspecific(key_, value), 0); }
  const void* get() const { return pthread_getspecific(key_); }
  pthread_key_t number() const { return key_; }

 private:
  pthread_key_t key_ = 0;
};

const char kOne = '1';
const char kTwo = '2';

/// True if a coroutine that is spawned now sees nothing of what this one has set.
bool is_of_coroutines(const Key& key) {
  key.set(&kOne);
  const bool result = spawn([&key] {
                        const bool is_own = key.get() == nullptr;
                        key.set(is_own ? &kTwo : nullptr);
                        return is_own;
                      }).join();
  EXPECT_EQ(key.get(), result ? &kOne : nullptr);
  key.set(nullptr);
  return result;
}

TEST(SpecificData, IsTheCoroutinesOwnOverEverySwitch) {
  run_in_scheduler([] {
    const Key key;
    const auto task_with = [&key](const char* value) {
      return spawn([&key, value] {
        EXPECT_EQ(key.get(), nullptr);
        key.set(value);
        for (int i = 0; i < 10; ++i) {
          yield();
          EXPECT_EQ(key.get(), value);
        }
      });
    };
    auto first = task_with(&kOne);
    auto second = task_with(&kTwo);
    first.join();
    second.join();
    EXPECT_EQ(key.get(), nullptr);
  });
}

TEST(SpecificData, OfTheThreadIsNotThatOfItsCoroutines) {
  std::unique_ptr<Key> key;
  run_in_scheduler([&key] { key = std::make_unique<Key>(); });
  key->set(&kOne);
  run_in_scheduler([&key] {
    EXPECT_EQ(key->get(), nullptr);
    key->set(&kTwo);
  });
  EXPECT_EQ(key->get(), &kOne);
}

TEST(SpecificData, ACoroutineWithoutASchedulerHasItsOwn) {
  run_in_scheduler([] {});  // so that the key is not made before the first coroutine
  static int destroyed = 0;
  const Key key([](void*) { ++destroyed; });
  key.set(&kOne);
  Coroutine coroutine([&key] {
    EXPECT_EQ(key.get(), nullptr);
    key.set(&kTwo);
    Coroutine::yield();
    EXPECT_EQ(key.get(), &kTwo);
  });
  coroutine.resume();
  EXPECT_EQ(key.get(), &kOne);
  coroutine.resume();
  EXPECT_EQ(destroyed, 1);
  key.set(nullptr);
}

std::string deaths;

TEST(SpecificData, DiesAfterCoroutineLocalsAndBeforeTheJoinerHears) {
  struct Local {
    ~Local() { deaths += 'l'; }
  };
  deaths.clear();
  run_in_scheduler([] {
    static CoroutineLocal<std::unique_ptr<Local>> local;
    const Key key([](void*) {
      sleep_for(std::chrono::milliseconds(1));  // a destructor may wait
      deaths += 'k';
      *local = std::make_unique<Local>();
    });
    spawn([&key] {
      *local = std::make_unique<Local>();
      key.set(&kOne);
    }).join();
    EXPECT_EQ(deaths, "lkl");
  });
}

TEST(SpecificData, DiesWithACoroutineThatThrewOrWasCancelled) {
  run_in_scheduler([] {
    static int destroyed = 0;
    destroyed = 0;
    const Key key([](void*) { ++destroyed; });
    auto thrower = spawn([&key] {
      key.set(&kOne);
      throw 1;
    });
    EXPECT_THROW(thrower.join(), int);
    EXPECT_EQ(destroyed, 1);
    auto sleeper = spawn([&key] {
      key.set(&kOne);
      sleep_for(std::chrono::hours(1));
    });
    yield();
    sleeper.cancel();
    EXPECT_THROW(sleeper.join(), Canceled);
    EXPECT_EQ(destroyed, 2);
  });
}

TEST(SpecificDataDeathTest, OfAKeyOfTheExecutableFromBeforeTheFirstCoroutineIsTheThreads) {
  // In a process that has made no coroutine yet.
  const std::string style = GTEST_FLAG_GET(death_test_style);
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        const Key before;
        const Key given;
        run([&] {
          const Key after;
          hook::give_key_to_coroutines(given.number());
          std::_Exit((is_of_coroutines(before) ? 1 : 0) + (is_of_coroutines(given) ? 2 : 0) +
                     (is_of_coroutines(after) ? 4 : 0));
        });
      },
      testing::ExitedWithCode(6), "");
  GTEST_FLAG_SET(death_test_style, style);
}

TEST(SpecificData, AtTheAddressOfAThreadLocalVariableIsTheThreads) {
  static thread_local int cache;
  run_in_scheduler([] {
    const Key key;
    key.set(&cache);
    EXPECT_EQ(spawn([&key] { return key.get(); }).join(), &cache);
    const Key given;
    EXPECT_TRUE(hook::give_key_to_coroutines(given.number()));
    given.set(&cache);
    EXPECT_EQ(spawn([&given] { return given.get(); }).join(), nullptr);
  });
}

TEST(SpecificData, IsTheThreadsIfAThreadHasSetTheAddressOfItsOwnVariable) {
  static thread_local int cache;
  run_in_scheduler([] {
    const Key key;
    std::thread([&key] { key.set(&cache); }).join();
    EXPECT_FALSE(is_of_coroutines(key));
  });
}

TEST(SpecificData, OfAnAllocatorIsTheThreads) {
  const auto make_key_in = [](const char* file) {
    void* library = dlopen(file, RTLD_NOW);
    EXPECT_NE(library, nullptr) << dlerror();
    pthread_key_t key;
    const auto make = reinterpret_cast<int (*)(pthread_key_t*, void (*)(void*))>(
        dlsym(library, "make_key_in_library"));
    EXPECT_EQ(make(&key, nullptr), 0);
    return key;
  };
  const Key of_allocator(make_key_in("test/hook/libjemalloc_for_test.so"));
  const Key of_library(make_key_in("test/hook/libkeys_for_test.so"));
  run_in_scheduler([&] {
    EXPECT_FALSE(is_of_coroutines(of_allocator));
    EXPECT_TRUE(is_of_coroutines(of_library));
  });
}

TEST(SpecificData, IsWhoseTheProgramSays) {
  run_in_scheduler([] {
    const Key kept;
    EXPECT_TRUE(hook::keep_key_in_thread(kept.number()));
    EXPECT_FALSE(is_of_coroutines(kept));
    EXPECT_TRUE(hook::give_key_to_coroutines(kept.number()));
    EXPECT_TRUE(is_of_coroutines(kept));
  });
  pthread_key_t deleted;
  { deleted = Key().number(); }
  EXPECT_FALSE(hook::keep_key_in_thread(deleted));
  EXPECT_FALSE(hook::give_key_to_coroutines(deleted));
  EXPECT_FALSE(hook::give_key_to_coroutines(PTHREAD_KEYS_MAX));
}

TEST(SpecificData, TakesNoMemoryWhereItIsOnlyAskedFor) {
  run_in_scheduler([] {
    const Key key;
    spawn([&key] {
      EXPECT_EQ(key.get(), nullptr);
      key.set(nullptr);
      const CoroutineExtras* extras = thread_state.current->extras;
      EXPECT_TRUE(extras == nullptr || extras->specific == nullptr);
    }).join();
  });
}

}  // namespace
}  // namespace colibri::test
