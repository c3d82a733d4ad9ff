// What a parked coroutine takes: spawns many, lets all park with so many live bytes on their
// stacks, and divides the growth of resident memory by their number.
//
//     bazel run --config=opt //bench/memory -- --stack=shared --count=1000000 [--json]
//
// Live bytes go from the saved stack pointer up to where the stack begins: the program's frames and
// colibri's. On a private stack the control block lies above and is in the figure, but is not
// counted as live bytes; on a shared stack it has memory of its own, which is in the figure, too.
#include <alloca.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
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
  std::size_t count = 100'000;
  std::size_t live_bytes = 200;
  bool json = false;
};

struct Result {
  ProcessMemory before;
  ProcessMemory after;
  std::size_t live_bytes = 0;  // what they had
};

/// Parks for good, with `padding` bytes more than needed on the stack.
[[gnu::noinline]] void park_with(std::size_t padding) {
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

Result measure(const Options& options) {
  Result result;
  const auto park_all = [&] {
    const std::size_t padding = padding_for(options.live_bytes);
    result.live_bytes = live_bytes_with(padding);
    result.before = ProcessMemory::now();
    for (std::size_t i = 0; i < options.count; ++i) {
      start(padding);
      if (i % 1024 == 0) yield();
    }
    yield();
    result.after = ProcessMemory::now();
  };
  run(park_all, {.grace = std::chrono::hours(1), .stacks = StackChoice::parse(options.stack)});
  return result;
}

double each(std::size_t before, std::size_t after, std::size_t count) {
  return (static_cast<double>(after) - static_cast<double>(before)) / static_cast<double>(count);
}

void print(const Options& options, const Result& result) {
  const double resident =
      each(result.before.resident_bytes, result.after.resident_bytes, options.count);
  const double tables =
      each(result.before.page_table_bytes, result.after.page_table_bytes, options.count);
  const char* format =
      options.json
          ? "{\"stack\": \"%s\", \"count\": %zu, \"live_bytes\": %zu, \"bytes_per_coroutine\": "
            "%.1f, \"page_table_bytes_per_coroutine\": %.1f, \"mappings\": %zu}\n"
          : "stack                           %s\ncoroutines parked               %zu\n"
            "live bytes on the stack of each %zu\nresident bytes a coroutine      %.1f\n"
            "page-table bytes beside         %.1f\nmappings of the process         %zu\n";
  std::printf(format, options.stack.c_str(), options.count, result.live_bytes, resident, tables,
              result.after.mappings);
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
  app.add_option("--count", options.count, "how many coroutines")
      ->check(CLI::Range(std::size_t{1}, std::size_t{100'000'000}))
      ->capture_default_str();
  app.add_option("--live-bytes", options.live_bytes, "on the stack of each, ours included")
      ->check(CLI::Range(std::size_t{0}, std::size_t{200'000}))
      ->capture_default_str();
  app.add_flag("--json", options.json, "one JSON object");
  CLI11_PARSE(app, argc, argv);
  print(options, measure(options));
}
