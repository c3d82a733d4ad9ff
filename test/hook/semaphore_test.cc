// Semaphores in coroutines, between coroutines and threads, and in signal handlers.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <vector>

#include "colibri/core/deadline.h"
#include "colibri/core/sleep.h"
#include "colibri/hook/hook.h"
#include "test/hook/flows.h"
#include "test/hook/pthread_functions.h"
#include "test/support/child_process.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri::test {
namespace {

using std::chrono::milliseconds;

/// One in the heap.
std::shared_ptr<sem_t> make_semaphore(unsigned value) {
  const std::shared_ptr<sem_t> semaphore(new sem_t, [](sem_t* ended) {
    EXPECT_EQ(sem_destroy(ended), 0);
    delete ended;
  });
  EXPECT_EQ(sem_init(semaphore.get(), 0, value), 0);
  return semaphore;
}

int value_of(sem_t* semaphore) {
  int value = -1;
  sem_getvalue(semaphore, &value);
  return value;
}

TEST(Semaphore, ParksTheCoroutineAndNotItsThread) {
  run_in_scheduler([] {
    const auto semaphore = make_semaphore(0);
    const auto passed = std::make_shared<int>(0);
    for (int i = 0; i < 3; ++i) {
      go([=] {
        EXPECT_EQ(sem_wait(semaphore.get()), 0);
        ++*passed;
      });
    }
    yield();
    sleep_for(milliseconds(1));
    EXPECT_EQ(*passed, 0);
    for (int i = 1; i <= 3; ++i) {
      sem_post(semaphore.get());
      yield();
      EXPECT_EQ(*passed, i);
    }
    EXPECT_EQ(value_of(semaphore.get()), 0);
  });
}

TEST(Semaphore, OneWhoComesAlwaysWhileAnotherHasItGetsIt) {
  run_in_scheduler([] {
    const auto semaphore = make_semaphore(0);
    const auto entered = std::make_shared<bool>(false);
    auto other = spawn([=] {
      sem_wait(semaphore.get());
      *entered = true;
      sem_post(semaphore.get());
    });
    for (int i = 0; i < 10; ++i) {
      yield();
      sem_post(semaphore.get());
      sem_wait(semaphore.get());  // before the other one runs
    }
    EXPECT_TRUE(*entered);
    sem_post(semaphore.get());
    other.join();
  });
}

TEST(Semaphore, CancelAndTimeLimitEndAWaitAndLoseNoUnit) {
  run_in_scheduler([] {
    const auto semaphore = make_semaphore(0);
    const auto wait = [semaphore] { return sem_wait(semaphore.get()) == 0 ? 0 : errno; };
    auto canceled = spawn(wait);
    auto limited = spawn([wait] {
      const TimeLimit limit(milliseconds(1));
      return wait();
    });
    yield();
    canceled.cancel();
    EXPECT_EQ(canceled.join(), ECANCELED);
    EXPECT_EQ(limited.join(), ETIMEDOUT);
    auto woken = spawn(wait);
    yield();
    sem_post(semaphore.get());
    woken.cancel();  // too late
    EXPECT_EQ(woken.join(), 0);
    EXPECT_EQ(value_of(semaphore.get()), 0);
  });
}

TEST(Semaphore, ACanceledCoroutineTakesNoUnit) {
  run_in_scheduler([] {
    const auto semaphore = make_semaphore(1);
    auto task = spawn([semaphore] { return sem_wait(semaphore.get()) == 0 ? 0 : errno; });
    task.cancel();
    EXPECT_EQ(task.join(), ECANCELED);
    EXPECT_EQ(value_of(semaphore.get()), 1);
  });
}

TEST(Semaphore, MayBeDestroyedByWhoPasses) {
  run_in_scheduler([] {
    auto semaphore = make_semaphore(0);
    sem_t* const plain = semaphore.get();
    auto task = spawn([owned = std::move(semaphore)]() mutable {
      EXPECT_EQ(sem_wait(owned.get()), 0);
      owned = nullptr;
    });
    yield();
    EXPECT_EQ(sem_post(plain), 0);
    task.join();
  });
}

TEST(Semaphore, PthreadCancelEndsAThreadsWait) {
  const auto semaphore = make_semaphore(0);
  static std::atomic<int> waiter{0};
  pthread_t thread{};
  const auto wait = [](void* argument) -> void* {
    waiter = gettid();
    sem_wait(static_cast<sem_t*>(argument));
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, nullptr, wait, semaphore.get()), 0);
  while (waiter == 0) usleep(100);
  until_asleep(waiter);
  pthread_cancel(thread);
  void* result = nullptr;
  pthread_join(thread, &result);
  EXPECT_EQ(result, PTHREAD_CANCELED);
  EXPECT_EQ(sem_post(semaphore.get()), 0);
  EXPECT_EQ(sem_trywait(semaphore.get()), 0) << "nobody else took the unit";
}

/// One in memory that child processes share.
class SharedSemaphore {
 public:
  SharedSemaphore() {
    EXPECT_NE(memory_, MAP_FAILED);
    EXPECT_EQ(sem_init(get(), 1, 0), 0);
  }
  ~SharedSemaphore() { munmap(memory_, sizeof(sem_t)); }
  SharedSemaphore(const SharedSemaphore&) = delete;
  SharedSemaphore& operator=(const SharedSemaphore&) = delete;

  sem_t* get() const { return static_cast<sem_t*>(memory_); }

 private:
  void* const memory_ =
      mmap(nullptr, sizeof(sem_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
};

TEST(Semaphore, SharedOnesWorkWithOtherProcesses) {
  const SharedSemaphore to_child;
  const SharedSemaphore from_child;
  const pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 3; ++i) {
      if (sem_wait(to_child.get()) != 0) _exit(1);
      sem_post(from_child.get());
    }
    _exit(0);
  }
  run_in_scheduler([&to_child, &from_child] {
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(sem_post(to_child.get()), 0);
      EXPECT_EQ(sem_wait(from_child.get()), 0);
    }
  });
  EXPECT_EQ(exit_status_of(child), 0);
}

// What a handler of these tests posts to; and how often it has.
sem_t posted;
std::atomic<std::size_t> posts{0};

/// While it lives, SIGUSR1 has a unit posted. The calling thread itself does not take the signal,
/// nor do those that it starts; accept_posts has a thread do so.
class [[nodiscard]] PostingHandler {
 public:
  PostingHandler() {
    posts = 0;
    EXPECT_EQ(sem_init(&posted, 0, 0), 0);
    struct sigaction action {};
    action.sa_handler = [](int) {
      sem_post(&posted);
      ++posts;
    };
    sigaction(SIGUSR1, &action, &previous_);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &signals, &mask_);
  }
  ~PostingHandler() {
    pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
    sigaction(SIGUSR1, &previous_, nullptr);
    EXPECT_EQ(sem_destroy(&posted), 0);
  }
  PostingHandler(const PostingHandler&) = delete;
  PostingHandler& operator=(const PostingHandler&) = delete;

  static void accept_posts() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  }

 private:
  struct sigaction previous_ {};
  sigset_t mask_{};
};

void take_posted() {
  while (sem_wait(&posted) != 0) EXPECT_EQ(errno, EINTR);
}

/// Sends so many signals to the process, each after the one before has been handled.
void send_signals(std::size_t count) {
  for (std::size_t sent = 0; sent < count; ++sent) {
    kill(getpid(), SIGUSR1);
    while (posts <= sent) usleep(10);
  }
}

TEST(SemaphoreInHandlers, APostWakesACoroutineWhoseThreadSleeps) {
  const PostingHandler handler;
  std::thread waiting([] {
    run([] {
      PostingHandler::accept_posts();
      for (int i = 0; i < 3; ++i) take_posted();
    });
  });
  for (std::size_t i = 0; i < 3; ++i) {
    usleep(2'000);
    kill(getpid(), SIGUSR1);
    while (posts <= i) usleep(10);
  }
  waiting.join();
  EXPECT_EQ(posts, 3U);
}

TEST(SemaphoreInHandlers, APostOfACoroutinesOwnHandlerWakesAnother) {
  const PostingHandler handler;
  std::thread flows([] {
    run([] {
      PostingHandler::accept_posts();
      auto waiter = spawn([] { take_posted(); });
      yield();
      raise(SIGUSR1);
      waiter.join();
    });
  });
  flows.join();
  EXPECT_EQ(posts, 1U);
}

TEST(SemaphoreInHandlers, NoPostIsLostWhateverItInterrupts) {
  if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer calls handlers later";
  const PostingHandler handler;
  const std::size_t rounds = many_operations(500);
  std::thread sender([rounds] { send_signals(kFlows * rounds); });
  std::atomic<std::size_t> taken{0};
  everywhere([&taken, rounds] {
    PostingHandler::accept_posts();
    for (std::size_t i = 0; i < rounds; ++i) {
      take_posted();
      ++taken;
    }
  });
  sender.join();
  EXPECT_EQ(taken, kFlows * rounds);
  EXPECT_EQ(value_of(&posted), 0);
}

const std::size_t kRounds = many_operations(2'000);

TEST(SemaphoreThreads, OfOneUnitExcludes) {
  const auto semaphore = make_semaphore(1);
  std::size_t count = 0;
  everywhere([&] {
    for (std::size_t i = 0; i < kRounds; ++i) {
      EXPECT_EQ(sem_wait(semaphore.get()), 0);
      ++count;
      if (i % 64 == 0) usleep(1);
      EXPECT_EQ(sem_post(semaphore.get()), 0);
    }
  });
  EXPECT_EQ(count, kFlows * kRounds);
  EXPECT_EQ(value_of(semaphore.get()), 1);
}

TEST(SemaphoreThreads, TimedWaitsLoseNoUnit) {
  const auto semaphore = make_semaphore(0);
  std::atomic<std::size_t> role{0};
  std::atomic<std::size_t> taken{0};
  everywhere([&] {
    const bool posts_units = role++ % 2 == 0;
    for (std::size_t i = 0; i < kRounds; ++i) {
      if (posts_units) {
        EXPECT_EQ(sem_post(semaphore.get()), 0);
        if (i % 16 == 0) usleep(1);
        continue;
      }
      const timespec until = from_now(CLOCK_MONOTONIC, static_cast<long>(i % 8) * 1'000);
      if (sem_clockwait(semaphore.get(), CLOCK_MONOTONIC, &until) == 0) ++taken;
    }
  });
  EXPECT_EQ(taken + static_cast<std::size_t>(value_of(semaphore.get())), kFlows / 2 * kRounds);
}

}  // namespace
}  // namespace colibri::test
