// Locks of an allocator block the thread, also in a coroutine: a switch inside malloc would let
// others into it.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <thread>

#include "colibri/core/run.h"
#include "colibri/core/task.h"
#include "test/support/libc_parity.h"

namespace colibri::test {
namespace {

TEST(AllocatorLock, NeverParks) {
  void* library = dlopen("test/hook/libmimalloc_for_test.so", RTLD_NOW);
  ASSERT_NE(library, nullptr) << dlerror();
  const auto lock_as_allocator =
      reinterpret_cast<int (*)(pthread_mutex_t*)>(dlsym(library, "lock_as_allocator"));
  ASSERT_NE(lock_as_allocator, nullptr);
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&mutex);
  std::atomic<bool> another_ran{false};
  std::thread holder([&mutex, here = gettid()] {
    until_asleep(here);
    pthread_mutex_unlock(&mutex);
  });
  run([&] {
    go([&] { another_ran = true; });
    EXPECT_EQ(lock_as_allocator(&mutex), 0);
    EXPECT_FALSE(another_ran);
  });
  holder.join();
  EXPECT_TRUE(another_ran);
}

}  // namespace
}  // namespace colibri::test
