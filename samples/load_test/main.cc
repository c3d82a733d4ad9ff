// load_test: puts an echo server under load, and measures.
//
//   bazel run //samples:load_test -- --port 7777 --connections 1000 --duration 10
//
// prints messages a second, percentiles of the latency, and errors by kind. With --rate it is an
// open loop: messages are due at a constant rate whether or not the server keeps up, and each is
// timed from the moment it was due, so that a stall shows in full ("coordinated omission"). Each
// connection is a coroutine that sends and reads with plain POSIX calls.
//
// Exit status: 0 when every message was answered, 1 when anything failed, 2 when the load could
// not be started (options, host name, limit of descriptors).
#include <unistd.h>

#include <cstdio>
#include <deque>
#include <exception>
#include <thread>
#include <vector>

#include "colibri/colibri.h"
#include "samples/load_test/descriptor_limit.h"
#include "samples/load_test/interrupt.h"
#include "samples/load_test/progress.h"
#include "samples/load_test/report.h"

namespace load_test {
namespace {

/// The first worker runs in the calling coroutine, the others each on a thread of their own.
void run_workers(std::deque<Worker>& workers, const Schedule& schedule) {
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < workers.size(); ++i) {
    threads.emplace_back([&worker = workers[i]] { colibri::run([&worker] { worker.run(); }); });
  }
  if (::isatty(STDERR_FILENO) == 1) {
    colibri::go([&workers, &schedule] { print_progress(workers, schedule); });
  }
  workers.front().run();
  for (std::thread& thread : threads) thread.join();
}

int run_load(const Options& options) {
  const std::vector<Endpoint> endpoints = resolve(options.host, options.port);
  make_room_for(options);
  handle_interrupts();

  const Pattern pattern(options.message_bytes);
  Schedule schedule(options.warmup, options.duration, options.threads, options.connections != 0);
  Endpoint target;
  std::deque<Worker> workers;
  colibri::run([&] {
    target = first_reachable(endpoints, options.connect_timeout);
    for (std::uint32_t i = 0; i < options.threads; ++i) {
      workers.emplace_back(options, target, pattern, schedule, i);
    }
    run_workers(workers, schedule);
  });

  Statistics total;
  for (const Worker& worker : workers) total.merge(worker.statistics());
  const Result result{options, target.numeric(), total, schedule.measured(), interrupted()};
  const std::string text = options.json ? as_json(result) : as_text(result);
  std::fputs(text.c_str(), stdout);
  if (std::fflush(stdout) != 0) throw std::runtime_error("cannot write the result");
  if (result.good()) return 0;
  std::fprintf(stderr, "load_test: %s\n", result.complaint().c_str());
  return 1;
}

}  // namespace
}  // namespace load_test

int main(int argc, char** argv) {
  int exit_status = 0;
  const auto options = load_test::parse_options(argc, argv, exit_status);
  if (!options) return exit_status;
  try {
    return load_test::run_load(*options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "load_test: %s\n", error.what());
    return 2;
  }
}
