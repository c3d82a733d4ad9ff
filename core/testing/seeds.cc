#include "colibri/core/testing/seeds.h"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <iterator>
#include <optional>

#include "colibri/core/run.h"
#include "colibri/core/select_case.h"
#include "colibri/core/testing/seeded_conductor.h"
#include "colibri/core/testing/virtual_clock.h"

namespace colibri::testing {
namespace {

constexpr const char* kVariable = "COLIBRI_SEED";

/// How this process was called, for people to call it again.
std::string command_line() {
  std::ifstream file("/proc/self/cmdline");
  std::string line{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!line.empty()) line.pop_back();
  for (char& each : line) {
    if (each == '\0') each = ' ';
  }
  return line;
}

std::string text_of(std::uint64_t seed, const std::string& problem) {
  const std::string number = std::to_string(seed);
  return "seed " + number + ": " + problem + "\nto have it again: " + kVariable + "=" + number +
         " " + command_line();
}

[[noreturn]] void fail_seed(std::uint64_t seed, const std::string& problem) {
  throw SeedFailure(seed, text_of(seed, problem));
}

/// With the seed in its name, main tells it to whoever looks into a crash. Names live as long as
/// the program.
const char* name_main(std::uint64_t seed) {
  const std::string text = "main with seed " + std::to_string(seed);
  static thread_local char* const name = new char[64];
  name[text.copy(name, 63)] = '\0';
  return name;
}

/// What became of main.
struct Outcome {
  bool succeeded = false;
  std::exception_ptr error;

  void take(const std::function<bool()>& main) {
    try {
      succeeded = main();
    } catch (...) {
      error = std::current_exception();
      if (is_forced_unwind()) throw;
    }
  }
};

void run_conducted(Conductor& conductor, std::uint64_t seed, const std::function<void()>& main,
                   const RunOptions& options, const SpawnSite& site) {
  Scheduler scheduler(options.stacks);
  scheduler.set_conductor(conductor);
  const SpawnOptions main_options{
      .stack_bytes = options.main_stack_bytes, .name = name_main(seed), .site = site};
  scheduler.run(scheduler.make(main_options, main), options.grace);
}

void examine(std::uint64_t seed, const SeededConductor& conductor, const SeedOptions& options) {
  switch (conductor.end()) {
    case RunEnd::kByItself:
      return;
    case RunEnd::kStuck:
      fail_seed(seed,
                "nobody can run, and nothing will wake anybody: a deadlock, or a wake-up that "
                "went to nobody\n" +
                    conductor.waiting());
    case RunEnd::kEndless:
      fail_seed(seed, "no end after " + std::to_string(options.most_slices) +
                          " slices (SeedOptions::most_slices)");
  }
}

void examine(std::uint64_t seed, const Outcome& outcome) {
  if (outcome.error == nullptr) {
    if (!outcome.succeeded) fail_seed(seed, "main returned false");
    return;
  }
  try {
    std::rethrow_exception(outcome.error);
  } catch (const std::exception& error) {
    std::throw_with_nested(SeedFailure(seed, text_of(seed, error.what())));
  } catch (...) {
    std::throw_with_nested(
        SeedFailure(seed, text_of(seed, "main threw what is no std::exception")));
  }
}

/// What the environment asks for.
std::optional<std::uint64_t> wanted_seed() {
  const char* text = std::getenv(kVariable);
  if (text == nullptr || *text == '\0') return std::nullopt;
  std::uint64_t seed = 0;
  const char* end = text + std::strlen(text);
  if (std::from_chars(text, end, seed).ptr != end) {
    throw std::invalid_argument(std::string(kVariable) + " holds no number: " + text);
  }
  return seed;
}

}  // namespace

void detail::run_with_seed(std::uint64_t seed, const std::function<bool()>& main,
                           const SeedOptions& options, const SpawnSite& site) {
  std::optional<VirtualClock> clock;
  if (options.virtual_time) clock.emplace();
  SeededConductor conductor(seed, options, clock.has_value() ? &*clock : nullptr);
  seed_select(static_cast<std::uint32_t>(seed));
  Outcome outcome;
  run_conducted(
      conductor, seed, [&] { outcome.take(main); }, options.run, site);
  examine(seed, conductor, options);
  examine(seed, outcome);
}

void detail::for_each_seed(std::uint64_t count, const std::function<bool()>& main,
                           const SeedOptions& options, const SpawnSite& site) {
  if (const std::optional<std::uint64_t> seed = wanted_seed()) {
    return run_with_seed(*seed, main, options, site);
  }
  for (std::uint64_t seed = 1; seed <= count; ++seed) run_with_seed(seed, main, options, site);
}

}  // namespace colibri::testing
