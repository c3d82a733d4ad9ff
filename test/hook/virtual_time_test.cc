// Virtual time reaches code that knows of no coroutine: each call takes as long as it was asked to,
// by the clocks that such code reads.
#include <gtest/gtest.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "colibri/core/task.h"
#include "colibri/core/testing/seeds.h"
#include "colibri/core/testing/virtual_time.h"

namespace colibri {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using std::chrono::system_clock;

constexpr time_t kHour = 3'600;
constexpr int kHourInMilliseconds = 3'600'000;

struct Case {
  const char* name;
  nanoseconds time;
  void (*call)();
};

void PrintTo(const Case& each, std::ostream* stream) {
  *stream << each.name;
}

/// Two connected sockets on which nobody ever sends.
class SilentSockets {
 public:
  SilentSockets() { EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends_.data()), 0); }
  ~SilentSockets() {
    for (const int end : ends_) close(end);
  }
  SilentSockets(const SilentSockets&) = delete;
  SilentSockets& operator=(const SilentSockets&) = delete;
  int first() const { return ends_[0]; }

 private:
  std::array<int, 2> ends_{};
};

timespec in_an_hour(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  time.tv_sec += kHour;
  return time;
}

void wait_for_nobodys_notice() {
  std::mutex mutex;
  std::condition_variable changed;
  std::unique_lock lock(mutex);
  EXPECT_FALSE(changed.wait_for(lock, hours(1), [] { return false; }));
}

void wait_for_a_lock_that_is_held() {
  std::timed_mutex mutex;
  mutex.lock();
  auto other = spawn([&] { EXPECT_FALSE(mutex.try_lock_for(hours(1))); });
  other.join();
  mutex.unlock();
}

void wait_for_a_permit() {
  sem_t semaphore{};
  sem_init(&semaphore, 0, 0);
  const timespec until = in_an_hour(CLOCK_REALTIME);
  EXPECT_EQ(sem_timedwait(&semaphore, &until), -1);
  EXPECT_EQ(errno, ETIMEDOUT);
  sem_destroy(&semaphore);
}

void poll_a_silent_socket() {
  const SilentSockets sockets;
  pollfd wanted{sockets.first(), POLLIN, 0};
  EXPECT_EQ(poll(&wanted, 1, kHourInMilliseconds), 0);
}

void select_a_silent_socket() {
  const SilentSockets sockets;
  fd_set wanted;
  FD_ZERO(&wanted);
  FD_SET(sockets.first(), &wanted);
  timeval time{kHour, 0};
  EXPECT_EQ(select(sockets.first() + 1, &wanted, nullptr, nullptr, &time), 0);
}

void receive_from_a_silent_socket() {
  const SilentSockets sockets;
  const timeval time{kHour, 0};
  EXPECT_EQ(setsockopt(sockets.first(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time), 0);
  char byte = 0;
  EXPECT_EQ(recv(sockets.first(), &byte, 1, 0), -1);
  EXPECT_EQ(errno, EAGAIN);
}

const Case kCases[] = {
    {"sleep", hours(1), [] { EXPECT_EQ(sleep(kHour), 0U); }},
    {"usleep", milliseconds(250), [] { EXPECT_EQ(usleep(250'000), 0); }},
    {"nanosleep", hours(1),
     [] {
       const timespec time{kHour, 0};
       EXPECT_EQ(nanosleep(&time, nullptr), 0);
     }},
    {"clock_nanosleep", hours(1),
     [] {
       const timespec until = in_an_hour(CLOCK_MONOTONIC);
       EXPECT_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr), 0);
     }},
    {"sleep_for", hours(1), [] { std::this_thread::sleep_for(hours(1)); }},
    {"sleep_until", hours(1),
     [] {
       std::this_thread::sleep_until(steady_clock::now() + seconds(1'800));
       std::this_thread::sleep_until(system_clock::now() + seconds(1'800));
     }},
    {"condition_variable", hours(1), &wait_for_nobodys_notice},
    {"timed_mutex", hours(1), &wait_for_a_lock_that_is_held},
    {"sem_timedwait", hours(1), &wait_for_a_permit},
    {"poll", hours(1), [] { EXPECT_EQ(poll(nullptr, 0, kHourInMilliseconds), 0); }},
    {"poll_socket", hours(1), &poll_a_silent_socket},
    {"select", hours(1), &select_a_silent_socket},
    {"recv", hours(1), &receive_from_a_silent_socket},
};

class VirtualTimeOf : public ::testing::TestWithParam<Case> {};

TEST_P(VirtualTimeOf, IsAsLongAsAskedFor) {
  colibri::testing::run_with_seed(1, [] {
    const auto before = steady_clock::now();
    GetParam().call();
    EXPECT_EQ(steady_clock::now() - before, GetParam().time);
    EXPECT_EQ(colibri::testing::elapsed(), GetParam().time);
  });
}

INSTANTIATE_TEST_SUITE_P(, VirtualTimeOf, ::testing::ValuesIn(kCases),
                         [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace colibri
