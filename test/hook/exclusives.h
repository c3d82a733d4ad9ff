// What one flow at a time can have, as values: rows for what holds of all of it.
#pragma once

#include <pthread.h>
#include <semaphore.h>

#include <array>
#include <cstdint>

namespace colibri::test {

/// Room for any of them.
using ExclusiveMemory = std::array<std::uint64_t, 8>;

/// A way to have something that lies in memory of that size.
struct Exclusive {
  const char* name;
  void (*init)(void*);
  void (*take)(void*);
  bool (*try_take)(void*);
  void (*release)(void*);
};

inline constexpr Exclusive kExclusives[] = {
    {"Mutex", [](void* lock) { pthread_mutex_init(static_cast<pthread_mutex_t*>(lock), nullptr); },
     [](void* lock) { pthread_mutex_lock(static_cast<pthread_mutex_t*>(lock)); },
     [](void* lock) { return pthread_mutex_trylock(static_cast<pthread_mutex_t*>(lock)) == 0; },
     [](void* lock) { pthread_mutex_unlock(static_cast<pthread_mutex_t*>(lock)); }},
    {"Writer",
     [](void* lock) { pthread_rwlock_init(static_cast<pthread_rwlock_t*>(lock), nullptr); },
     [](void* lock) { pthread_rwlock_wrlock(static_cast<pthread_rwlock_t*>(lock)); },
     [](void* lock) { return pthread_rwlock_trywrlock(static_cast<pthread_rwlock_t*>(lock)) == 0; },
     [](void* lock) { pthread_rwlock_unlock(static_cast<pthread_rwlock_t*>(lock)); }},
    {"Semaphore", [](void* lock) { sem_init(static_cast<sem_t*>(lock), 0, 1); },
     [](void* lock) { sem_wait(static_cast<sem_t*>(lock)); },
     [](void* lock) { return sem_trywait(static_cast<sem_t*>(lock)) == 0; },
     [](void* lock) { sem_post(static_cast<sem_t*>(lock)); }},
};

}  // namespace colibri::test
