// Random sequences of what programs do with descriptors (make, copy, close, also behind the hooks'
// back, pass on, fork, read, write, wait) give on the hooks what they give on libc: the same
// results and events, and whoever waits for bytes that come is woken.
//
// What happens is a function of the seed. COLIBRI_FUZZ_SEED=N runs that seed alone.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <thread>

#include "test/hook/descriptor_world.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri::test {
namespace {

constexpr std::size_t kSteps = 150;

std::string trace_of(Session& session, unsigned seed) {
  play_with_descriptors(session, seed, kSteps);
  return session.trace();
}

std::string trace_of_libc(unsigned seed) {
  std::string trace;
  std::thread([&] {
    Session session(Way::kLibcInThread);
    trace = trace_of(session, seed);
  }).join();
  return trace;
}

std::string trace_of_hooks(unsigned seed, bool on_shared_stack) {
  std::string trace;
  run_in_scheduler([&] {
    if (on_shared_stack) {
      run_on_shared_stack([&](Session& session) { trace = trace_of(session, seed); });
    } else {
      Session session(Way::kHookInCoroutine);
      trace = trace_of(session, seed);
    }
  });
  return trace;
}

/// The end of the part that both have, and what follows.
std::string difference(const std::string& one, const std::string& other) {
  const auto place = std::mismatch(one.begin(), one.end(), other.begin(), other.end());
  const auto begin = static_cast<std::size_t>(place.first - one.begin());
  const std::size_t from = begin < 60 ? 0 : begin - 60;
  return "..." + one.substr(from, 120) + "\n..." + other.substr(from, 120);
}

void expect_same(unsigned seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  const std::string expected = trace_of_libc(seed);
  EXPECT_GT(expected.size(), kSteps) << "nothing happens";
  for (const bool on_shared_stack : {false, true}) {
    const std::string trace = trace_of_hooks(seed, on_shared_stack);
    EXPECT_TRUE(trace == expected) << difference(expected, trace);
  }
}

TEST(DescriptorFuzz, HooksGiveWhatLibcGives) {
  signal(SIGPIPE, SIG_IGN);
  if (const char* seed = std::getenv("COLIBRI_FUZZ_SEED")) {
    expect_same(static_cast<unsigned>(std::atoi(seed)));
    return;
  }
  const auto seeds = static_cast<unsigned>(scaled(200, 20, 10));
  for (unsigned seed = 1; seed <= seeds && !HasFailure(); ++seed) expect_same(seed);
}

}  // namespace
}  // namespace colibri::test
