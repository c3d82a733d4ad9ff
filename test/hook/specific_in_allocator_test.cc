// An allocator that nobody knows for one is found out when it sets its key's value within the
// allocation that another value takes: that key is the thread's, and nothing recurses.
#include <gtest/gtest.h>
#include <pthread.h>

#include <cstdlib>
#include <new>
#include <thread>

#include "colibri/core/run.h"
#include "colibri/core/task.h"

namespace {

/// The allocator's, for each thread. Not thread_local variables: it would be known by these.
char cache;
pthread_key_t cache_key;
/// Set in a thread: the next allocation finds that it has no cache yet.
thread_local bool needs_cache = false;

}  // namespace

// Not inline: the compiler would find that free does not go with new.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  if (needs_cache) {
    needs_cache = false;
    pthread_setspecific(cache_key, &cache);
  }
  void* memory = std::malloc(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace colibri::test {
namespace {

TEST(SpecificDataInAllocator, IsTheThreads) {
  // A thread of its own, which has no slabs yet: the first value takes memory from operator new.
  std::thread([] {
    run([] {
      ASSERT_EQ(pthread_key_create(&cache_key, nullptr), 0);
      pthread_key_t key;
      ASSERT_EQ(pthread_key_create(&key, nullptr), 0);
      needs_cache = true;
      EXPECT_EQ(pthread_setspecific(key, &key), 0);
      ASSERT_FALSE(needs_cache) << "there was no allocation: this test shows nothing";
      EXPECT_EQ(pthread_getspecific(key), &key);
      EXPECT_EQ(pthread_getspecific(cache_key), &cache);
      spawn([key] {
        EXPECT_EQ(pthread_getspecific(key), nullptr);
        EXPECT_EQ(pthread_getspecific(cache_key), &cache) << "the thread's one, in every coroutine";
      }).join();
      pthread_key_delete(key);
      pthread_key_delete(cache_key);
    });
  }).join();
}

}  // namespace
}  // namespace colibri::test
