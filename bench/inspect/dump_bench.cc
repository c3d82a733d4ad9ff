// What it takes to dump very many parked coroutines, and what a server's clients notice of it: one
// sends a byte by a socket and awaits it back, over and over, before the dump and meanwhile.
//
//     bazel run --config=opt //bench/inspect:dump -- --count=100000 --stack=shared
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "bench/baseline/command_line.h"
#include "colibri/core/channel.h"
#include "colibri/core/descriptor_wait.h"
#include "colibri/core/inspect/dump.h"
#include "colibri/core/run.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;
using Microseconds = std::chrono::duration<double, std::micro>;

struct Options {
  std::size_t count;
  std::size_t slice;
};

/// Which part of the run a round trip belongs to.
enum class Phase { kUndisturbed, kDumping, kOver };

/// A thread that sends bytes and awaits each one's return.
class Client {
 public:
  Client() {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_) != 0) std::abort();
    thread_ = std::thread([this] { measure(); });
  }
  /// The other end, for a coroutine that sends every byte back.
  int server_end() const { return ends_[1]; }
  void enter(Phase phase) { phase_ = phase; }
  void finish() {
    phase_ = Phase::kOver;
    thread_.join();
    close(ends_[0]);
  }
  /// Sorted.
  const std::vector<double>& microseconds(Phase phase) {
    auto& all = times_[static_cast<int>(phase)];
    std::sort(all.begin(), all.end());
    return all;
  }

 private:
  void measure() {
    char byte = 'x';
    for (Phase phase = phase_; phase != Phase::kOver; phase = phase_) {
      const Clock::time_point begin = Clock::now();
      if (write(ends_[0], &byte, 1) != 1 || read(ends_[0], &byte, 1) != 1) std::abort();
      times_[static_cast<int>(phase)].push_back(Microseconds(Clock::now() - begin).count());
    }
    shutdown(ends_[0], SHUT_WR);
  }

  int ends_[2];
  std::atomic<Phase> phase_{Phase::kUndisturbed};
  std::vector<double> times_[2];
  std::thread thread_;
};

void echo(int descriptor) {
  for (char byte;;) {
    const ssize_t size = recv(descriptor, &byte, 1, MSG_DONTWAIT);
    if (size == 0) break;
    if (size > 0) {
      send(descriptor, &byte, 1, MSG_DONTWAIT);
    } else {
      colibri::wait_ready(descriptor, colibri::Direction::kRead, {});
    }
  }
  colibri::thread_state.event_loop->detach(descriptor);
  close(descriptor);
}

void print_times(const char* what, const std::vector<double>& sorted) {
  if (sorted.empty()) return;
  const auto percentile = [&](double share) {
    return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
  };
  std::printf("%-12s %9zu round trips: p50 %.0f µs, p99 %.0f µs, worst %.0f µs\n", what,
              sorted.size(), percentile(0.5), percentile(0.99), sorted.back());
}

void run_bench(const Options& options) {
  const colibri::Channel<int> never;
  for (std::size_t i = 0; i < options.count; ++i) colibri::go([never] { never.receive(); });
  Client client;
  colibri::go(echo, client.server_end());
  colibri::sleep_for(std::chrono::seconds(1));
  client.enter(Phase::kDumping);
  const Clock::time_point begin = Clock::now();
  const auto groups = colibri::collect_stacks({.slice = options.slice});
  const std::chrono::duration<double> took = Clock::now() - begin;
  client.enter(Phase::kOver);
  std::size_t found = 0;
  for (const colibri::StackGroup& each : groups) found += each.coroutines;
  std::printf("dumped %zu coroutines at %zu places in %.3f s\n", found, groups.size(),
              took.count());
  // Its last byte must come back while this waits.
  colibri::sleep_for(std::chrono::milliseconds(20));
  client.finish();
  print_times("undisturbed", client.microseconds(Phase::kUndisturbed));
  print_times("meanwhile", client.microseconds(Phase::kDumping));
  never.close();
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  bench::CommandLine line(argc, argv);
  bench::Options options{};
  options.count = static_cast<std::size_t>(line.number("--count", 100'000, 1, 10'000'000));
  options.slice = static_cast<std::size_t>(line.number("--slice", 64, 1, 10'000'000));
  const std::string stack = line.text("--stack", "private");
  line.finish();
  colibri::RunOptions run_options;
  run_options.stacks = colibri::StackChoice::parse(stack);
  return colibri::run([&] { bench::run_bench(options); }, run_options);
}
