// Runs that a seed decides: which coroutine runs next, which of its calls lets others in, which of
// several ready cases select takes. The same seed decides in the same way, so that what went wrong
// once goes wrong again; other seeds find other orders.
//
// Preempted are calls that may wait, and only they: locks, channels, select, semaphores and all
// else that parks, hooked calls and those of net on descriptors. What happens between two of them
// stays undivided, as in any run on one thread. Of a Mutex, a SharedMutex or a Once, calls are
// preempted if it was used for the first time in such a run.
//
// What comes from outside (descriptors, helper threads) comes when it comes, and other threads are
// not waited for: a test whose peers are coroutines of the same run is repeatable, others are so
// only as far as those are.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "colibri/core/spawn_site.h"
#include "colibri/core/testing/seed_options.h"

namespace colibri::testing {

/// A run that failed. Its text says the seed, what was wrong, and how to have it again; where main
/// threw, that exception is nested in it (std::rethrow_if_nested).
class SeedFailure : public std::runtime_error {
 public:
  /// The run with `seed` failed, as `what` says.
  SeedFailure(std::uint64_t seed, const std::string& what)
      : std::runtime_error(what), seed_(seed) {}

  /// The seed that has the failure again.
  std::uint64_t seed() const noexcept { return seed_; }

 private:
  std::uint64_t seed_;
};

namespace detail {

template <class Main>
bool succeeds(Main& main) {
  if constexpr (std::is_same_v<std::invoke_result_t<Main&>, bool>) {
    return std::invoke(main);
  } else {
    std::invoke(main);
    return true;
  }
}

void run_with_seed(std::uint64_t seed, const std::function<bool()>& main,
                   const SeedOptions& options, const SpawnSite& site);
void for_each_seed(std::uint64_t count, const std::function<bool()>& main,
                   const SeedOptions& options, const SpawnSite& site);

}  // namespace detail

/// Calls `main()` as colibri::run does, in the order that `seed` makes. Throws SeedFailure if main
/// throws; if its result is of type bool, and false; if nobody can run and nothing will wake
/// anybody; and if the run does not end within options.most_slices. Who is alive after that is
/// cancelled, and after the grace logged and abandoned.
///
/// Outside coroutines, on a thread without a scheduler; errors otherwise as colibri::run. In it, a
/// Runtime ends the process with a sentence.
template <std::invocable Main>
void run_with_seed(std::uint64_t seed, Main&& main, const SeedOptions& options = {},
                   SpawnSite site = SpawnSite::here()) {
  detail::run_with_seed(
      seed, [&main] { return detail::succeeds(main); }, options, site);
}

/// run_with_seed for the seeds 1 to `count`, up to the first that fails. If the environment
/// variable COLIBRI_SEED holds a number, for that seed alone; throws std::invalid_argument if it
/// holds something else. `main` must leave everything as it was.
template <std::invocable Main>
void for_each_seed(std::uint64_t count, Main&& main, const SeedOptions& options = {},
                   SpawnSite site = SpawnSite::here()) {
  detail::for_each_seed(
      count, [&main] { return detail::succeeds(main); }, options, site);
}

}  // namespace colibri::testing
