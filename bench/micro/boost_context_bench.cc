// Boost.Context: what a switch costs with no scheduler at all, hence the floor for everyone.
//
// "boost_context" is the bare assembly (jump_fcontext) as Boost's own libraries call it;
// "boost_context_fiber" is the documented class on top of it.
#include <benchmark/benchmark.h>

#include <boost/context/detail/fcontext.hpp>
#include <boost/context/fiber.hpp>
#include <boost/context/pooled_fixedsize_stack.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "bench/micro/report.h"
#include "bench/micro/stack_slab.h"

namespace colibri::bench {
namespace {

using boost::context::detail::fcontext_t;
using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;

void bounce(transfer_t caller) {
  for (;;) caller = jump_fcontext(caller.fctx, nullptr);
}

void resume_bare(benchmark::State& state) {
  const StackSlab stacks(1, StackTops::kAligned);
  // The context never ends: it is abandoned with its stack, which owns nothing.
  transfer_t other{make_fcontext(stacks.top(0), StackSlab::usable_size(), bounce), nullptr};
  for ([[maybe_unused]] auto _ : state) other = jump_fcontext(other.fctx, nullptr);
  report_items(state, 2 * state.iterations());
}
BENCHMARK(resume_bare)->Name("resume/boost_context");

void resume_fiber(benchmark::State& state) {
  bool stop = false;
  boost::context::fiber other([&stop](boost::context::fiber&& caller) {
    while (!stop) caller = std::move(caller).resume();
    return std::move(caller);
  });
  for ([[maybe_unused]] auto _ : state) other = std::move(other).resume();
  report_items(state, 2 * state.iterations());
  stop = true;
  other = std::move(other).resume();
}
BENCHMARK(resume_fiber)->Name("resume/boost_context_fiber");

// A ring of contexts. Whoever is jumped to notes where its predecessor stopped: the least
// bookkeeping with which contexts can switch among themselves.
struct RingMember {
  fcontext_t context = nullptr;
  RingMember* next = nullptr;
};

void jump_to_next(RingMember& self) {
  const transfer_t predecessor = jump_fcontext(self.next->context, &self);
  static_cast<RingMember*>(predecessor.data)->context = predecessor.fctx;
}

void run_ring_member(transfer_t predecessor) {
  auto* member = static_cast<RingMember*>(predecessor.data);
  member->context = predecessor.fctx;
  for (RingMember& self = *member->next;;) jump_to_next(self);
}

void yield_ring(benchmark::State& state, StackTops tops) {
  const auto size = static_cast<std::size_t>(state.range(0));
  const StackSlab stacks(size, tops);
  std::vector<RingMember> ring(size);  // Member 0 is the caller.
  for (std::size_t i = 0; i < size; ++i) {
    ring[i].next = &ring[(i + 1) % size];
    if (i == 0) continue;
    ring[i].context = make_fcontext(stacks.top(i), StackSlab::usable_size(), run_ring_member);
  }
  jump_to_next(ring[0]);  // The first round touches the stacks' pages.
  for ([[maybe_unused]] auto _ : state) jump_to_next(ring[0]);
  report_items(state, state.iterations() * state.range(0));
}
BENCHMARK_CAPTURE(yield_ring, aligned, StackTops::kAligned)
    ->Name("yield/boost_context")
    ->Arg(2)
    ->Arg(100)
    ->Arg(10'000);
BENCHMARK_CAPTURE(yield_ring, coloured, StackTops::kColoured)
    ->Name("yield/boost_context_coloured")
    ->Arg(2)
    ->Arg(100)
    ->Arg(10'000);

void return_at_once(transfer_t caller) {
  jump_fcontext(caller.fctx, nullptr);
}

// The cheapest beginning and end there can be: no allocation, no object, no function to carry.
void spawn_end_bare(benchmark::State& state) {
  const StackSlab stacks(1, StackTops::kAligned);
  for ([[maybe_unused]] auto _ : state) {
    const fcontext_t context =
        make_fcontext(stacks.top(0), StackSlab::usable_size(), return_at_once);
    benchmark::DoNotOptimize(jump_fcontext(context, nullptr));
  }
  report_items(state, state.iterations());
}
BENCHMARK(spawn_end_bare)->Name("spawn_end/boost_context_bare");

void spawn_end_pooled(benchmark::State& state) {
  boost::context::pooled_fixedsize_stack stacks(kStackSize);
  for ([[maybe_unused]] auto _ : state) {
    boost::context::fiber fiber(std::allocator_arg, stacks,
                                [](boost::context::fiber&& caller) { return std::move(caller); });
    fiber = std::move(fiber).resume();
    benchmark::DoNotOptimize(fiber);
  }
  report_items(state, state.iterations());
}
BENCHMARK(spawn_end_pooled)->Name("spawn_end/boost_context_pooled");

}  // namespace
}  // namespace colibri::bench

BENCHMARK_MAIN();
