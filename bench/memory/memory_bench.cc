// What a parked coroutine takes: spawns many, lets all park with so many live bytes on their
// stacks, and divides the growth of resident memory by their number.
//
//     bazel run --config=opt //bench/memory -- --stack=shared --count=1000000 [--json]
//     bazel run --config=opt //bench/memory -- --stack=shared --steps=1000000,5000000,10000000
//
// With steps, one process goes on spawning and reports whenever so many are parked.
//
// Live bytes go from the saved stack pointer up to where the stack begins: the program's frames and
// colibri's. On a private stack the control block lies above and is in the figure, but is not
// counted as live bytes; on a shared stack it has memory of its own, which is in the figure, too.
#include <alloca.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "bench/memory/process_memory.h"
#include "colibri/core/run.h"
#include "colibri/core/shared_stack.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"

namespace colibri::bench {
namespace {

struct Options {
  std::string stack = "private";
  std::vector<std::size_t> steps{100'000};  // ascending
  std::size_t live_bytes = 200;
  bool json = false;
};

struct Step {
  std::size_t parked;
  ProcessMemory memory;
};

struct Result {
  ProcessMemory before;
  std::vector<Step> steps;
  std::size_t live_bytes = 0;  // what they had
  std::string error;           // why the last steps are missing; else empty
};

/// Parks for good, with `padding` bytes more than needed on the stack. A canary beside them would
/// be measured, too.
[[gnu::noinline]] __attribute__((no_stack_protector)) void park_with(std::size_t padding) {
  volatile char* bytes = nullptr;
  if (padding != 0) {
    bytes = static_cast<volatile char*>(alloca(padding));
    bytes[0] = 1;
  }
  thread_state.scheduler->park({});
  // They are live until here.
  if (bytes != nullptr) bytes[0] = 0;
}

/// Every coroutine comes from here, so that all have the same frames.
void start(std::size_t padding) {
  go([padding] { park_with(padding); });
}

/// On a private stack: of one that is parked.
std::size_t live_bytes_of(const ControlBlock& coroutine) {
  return static_cast<std::size_t>(static_cast<const char*>(coroutine.storage) -
                                  static_cast<const char*>(coroutine.stack_pointer));
}

/// What was copied off shared stacks so far, by colibri's own count.
StackCopies copied() {
  const std::vector<StackCopies> all = shared_stack_copies();
  return all.empty() ? StackCopies{} : all.front();
}

/// Live bytes of those that park with this padding.
std::size_t live_bytes_with(std::size_t padding) {
  constexpr std::size_t kProbes = 1024;
  const StackCopies before = copied();
  start(padding);
  const ControlBlock& probe = thread_state.scheduler->newest();
  if (!probe.on_shared_stack()) {
    yield();
    return live_bytes_of(probe);
  }
  for (std::size_t i = 1; i < kProbes; ++i) start(padding);
  yield();
  const StackCopies after = copied();
  const std::uint64_t copies = after.copies_out - before.copies_out;
  return (after.bytes_out - before.bytes_out + copies - 1) / copies;
}

/// How much padding makes for `wanted` live bytes: none if ours alone are more.
std::size_t padding_for(std::size_t wanted) {
  std::size_t padding = 0;
  for (std::size_t more = 0; more <= wanted && live_bytes_with(more) <= wanted; more += 8) {
    padding = more;
  }
  return padding;
}

/// Parks more until `count` are parked, `parked` of which are already. The count is right also when
/// one could not be spawned, which throws.
void park_until(std::size_t count, std::size_t& parked, std::size_t padding) {
  for (; parked < count; ++parked) {
    start(padding);
    if (parked % 1024 == 0) yield();
  }
  yield();
}

Result measure(const Options& options) {
  Result result;
  const auto park_all = [&] {
    const std::size_t padding = padding_for(options.live_bytes);
    result.live_bytes = live_bytes_with(padding);
    result.before = ProcessMemory::now();
    std::size_t parked = 0;
    try {
      for (const std::size_t step : options.steps) {
        park_until(step, parked, padding);
        result.steps.push_back({parked, ProcessMemory::now()});
      }
    } catch (const std::exception& error) {
      result.error = "after " + std::to_string(parked) + " coroutines: " + error.what();
    }
  };
  run(park_all, {.grace = std::chrono::hours(1), .stacks = StackChoice::parse(options.stack)});
  return result;
}

double each(std::size_t before, std::size_t after, std::size_t count) {
  return (static_cast<double>(after) - static_cast<double>(before)) / static_cast<double>(count);
}

void print(const Options& options, const Result& result) {
  const char* format =
      options.json
          ? "{\"stack\": \"%s\", \"count\": %zu, \"live_bytes\": %zu, \"bytes_per_coroutine\": "
            "%.1f, \"page_table_bytes_per_coroutine\": %.1f, \"mappings\": %zu}\n"
          : "stack                           %s\ncoroutines parked               %zu\n"
            "live bytes on the stack of each %zu\nresident bytes a coroutine      %.1f\n"
            "page-table bytes beside         %.1f\nmappings of the process         %zu\n";
  for (const Step& step : result.steps) {
    const ProcessMemory& before = result.before;
    const ProcessMemory& after = step.memory;
    std::printf(format, options.stack.c_str(), step.parked, result.live_bytes,
                each(before.resident_bytes, after.resident_bytes, step.parked),
                each(before.page_table_bytes, after.page_table_bytes, step.parked), after.mappings);
  }
}

}  // namespace
}  // namespace colibri::bench

int main(int argc, char** argv) {
  using namespace colibri::bench;
  Options options;
  CLI::App app("resident memory of parked coroutines");
  app.add_option("--stack", options.stack, "private or shared")
      ->check(CLI::IsMember({"private", "shared"}))
      ->capture_default_str();
  app.add_option("--count,--steps", options.steps, "how many coroutines; several: report at each")
      ->delimiter(',')
      ->check(CLI::Range(std::size_t{1}, std::size_t{100'000'000}))
      ->capture_default_str();
  app.add_option("--live-bytes", options.live_bytes, "on the stack of each, ours included")
      ->check(CLI::Range(std::size_t{0}, std::size_t{200'000}))
      ->capture_default_str();
  app.add_flag("--json", options.json, "one JSON object");
  CLI11_PARSE(app, argc, argv);
  std::sort(options.steps.begin(), options.steps.end());
  const Result result = measure(options);
  print(options, result);
  if (result.error.empty()) return 0;
  std::fprintf(stderr, "memory_bench: %s\n", result.error.c_str());
  return 1;
}
