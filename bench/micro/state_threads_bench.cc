// State Threads 1.9: an event-driven library of user-level threads, in C.
//
// It has no yield. What its users write instead is st_usleep(0), which goes through the timer heap
// and the idle thread's epoll_wait ("state_threads_usleep"); the fastest way round the run queue
// that it offers is to signal the next thread's condition and to wait for one's own
// ("state_threads").
#include <benchmark/benchmark.h>
#include <st.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <system_error>
#include <vector>

#include "bench/micro/report.h"

namespace colibri::bench {
namespace {

constexpr int kThreadStackSize = 64 * 1024;

// `joinable` threads keep their stack until they are joined; all stacks are pooled by the library.
st_thread_t spawn(void* (*body)(void*), void* argument) {
  st_thread_t thread = st_thread_create(body, argument, /*joinable=*/1, kThreadStackSize);
  if (thread == nullptr) throw std::system_error(errno, std::generic_category(), "spawn");
  return thread;
}

// These come before the yield cases: the library reuses stacks first in, first out, so that after a
// case with 10,000 threads each spawn would meet a stack that is cold in every cache.
void* end_at_once(void* argument) {
  return argument;
}

void spawn_join(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) st_thread_join(spawn(end_at_once, nullptr), nullptr);
  report_items(state, state.iterations());
}
BENCHMARK(spawn_join)->Name("spawn_join/state_threads");

// A detached thread is its own undertaker; its maker still has to let it run.
void* signal_and_end(void* condition) {
  st_cond_signal(static_cast<st_cond_t>(condition));
  return nullptr;
}

void spawn_end(benchmark::State& state) {
  st_cond_t ended = st_cond_new();
  for ([[maybe_unused]] auto _ : state) {
    st_thread_create(signal_and_end, ended, /*joinable=*/0, kThreadStackSize);
    st_cond_wait(ended);
  }
  report_items(state, state.iterations());
  st_cond_destroy(ended);
}
BENCHMARK(spawn_end)->Name("spawn_end/state_threads");

struct PingPong {
  st_cond_t ping = st_cond_new();
  st_cond_t pong = st_cond_new();
  bool stop = false;
};

void* answer_pings(void* argument) {
  auto& game = *static_cast<PingPong*>(argument);
  while (!game.stop) {
    st_cond_signal(game.pong);
    st_cond_wait(game.ping);
  }
  return nullptr;
}

// No lock and no predicate: threads switch only where they block, so no signal can be lost.
void park_ping_pong(benchmark::State& state) {
  PingPong game;
  st_thread_t other = spawn(answer_pings, &game);
  st_cond_wait(game.pong);
  for ([[maybe_unused]] auto _ : state) {
    st_cond_signal(game.ping);
    st_cond_wait(game.pong);
  }
  report_items(state, 2 * state.iterations());
  game.stop = true;
  st_cond_signal(game.ping);
  st_thread_join(other, nullptr);
  st_cond_destroy(game.ping);
  st_cond_destroy(game.pong);
}
BENCHMARK(park_ping_pong)->Name("park/state_threads");

// The threads of one yield case, in the order in which they run. Each has a condition of its own:
// st_cond_signal() walks over those that were signalled before and have not run yet, so that one
// condition for all would cost a walk over the ring.
class YieldRing {
 public:
  explicit YieldRing(std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) turns_.push_back(st_cond_new());
  }
  ~YieldRing() {
    for (st_cond_t turn : turns_) st_cond_destroy(turn);
  }
  YieldRing(const YieldRing&) = delete;
  YieldRing& operator=(const YieldRing&) = delete;

  st_cond_t turn_of(std::size_t member) const { return turns_[member % turns_.size()]; }

  std::int64_t yields = 0;
  bool stop = false;

 private:
  std::vector<st_cond_t> turns_;
};

struct RingMember {
  YieldRing* ring;
  st_cond_t own_turn;
  st_cond_t next_turn;
};

RingMember member_of(YieldRing& ring, std::size_t index) {
  return {&ring, ring.turn_of(index), ring.turn_of(index + 1)};
}

void yield_by_condition(const RingMember& self) {
  st_cond_signal(self.next_turn);
  st_cond_wait(self.own_turn);
  ++self.ring->yields;
}

void yield_by_sleep(const RingMember& self) {
  st_usleep(0);
  ++self.ring->yields;
}

template <void (*yield)(const RingMember&)>
void* yield_until_stopped(void* argument) {
  const RingMember self = *static_cast<RingMember*>(argument);
  while (!self.ring->stop) yield(self);
  st_cond_signal(self.next_turn);  // The next one may wait, and has to see the stop too.
  return nullptr;
}

template <void (*yield)(const RingMember&)>
void yield_among(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  YieldRing ring(size);
  std::vector<RingMember> members;
  for (std::size_t i = 0; i < size; ++i) members.push_back(member_of(ring, i));
  std::vector<st_thread_t> others;
  for (std::size_t i = 1; i < size; ++i) {
    others.push_back(spawn(yield_until_stopped<yield>, &members[i]));
  }
  for (int round = 0; round < 2; ++round) yield(members[0]);
  ring.yields = 0;
  for ([[maybe_unused]] auto _ : state) yield(members[0]);
  report_items(state, ring.yields);
  ring.stop = true;
  st_cond_signal(members[0].next_turn);
  for (st_thread_t other : others) st_thread_join(other, nullptr);
}
BENCHMARK_TEMPLATE(yield_among, yield_by_condition)
    ->Name("yield/state_threads")
    ->Arg(2)
    ->Arg(100)
    ->Arg(10'000);
BENCHMARK_TEMPLATE(yield_among, yield_by_sleep)
    ->Name("yield/state_threads_usleep")
    ->Arg(2)
    ->Arg(100)
    ->Arg(10'000);

}  // namespace
}  // namespace colibri::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  st_set_eventsys(ST_EVENTSYS_ALT);  // epoll
  if (st_init() != 0) {
    std::perror("st_init");
    return 1;
  }
  // Off by default; without it all stacks start on the same cache sets, and a spawn takes twice as
  // long.
  st_randomize_stacks(1);
  benchmark::RunSpecifiedBenchmarks();
}
