#include "samples/load_test/load.h"

#include <deque>
#include <optional>
#include <thread>
#include <vector>

#include "colibri/colibri.h"
#include "samples/load_test/descriptor_limit.h"
#include "samples/load_test/interrupt.h"
#include "samples/load_test/progress.h"
#include "samples/load_test/server_watch.h"
#include "samples/load_test/worker.h"

namespace load_test {
namespace {

/// The first worker runs in the calling coroutine, the others each on a thread of their own.
void run_workers(std::deque<Worker>& workers, const Options& options, const Schedule& schedule,
                 ServerWatch& server) {
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < workers.size(); ++i) {
    threads.emplace_back([&worker = workers[i]] { colibri::run([&worker] { worker.run(); }); });
  }
  if (options.live) {
    colibri::go([&workers, &schedule] { print_progress(workers, schedule); });
  }
  {
    const auto watch = colibri::spawn([&] { server.watch(schedule); });
    workers.front().run();
  }
  for (std::thread& thread : threads) thread.join();
}

std::optional<TlsClient> make_tls(const Options& options) {
  if (!options.tls) return std::nullopt;
  const std::string& name = options.server_name.empty() ? options.host : options.server_name;
  return TlsClient({name, options.authorities, options.verify_server});
}

/// What all workers have of each whole second of the measurement.
std::vector<SecondSummary> seconds_of(const std::deque<Worker>& workers,
                                      std::chrono::nanoseconds measured) {
  const auto number = static_cast<std::size_t>(measured / std::chrono::seconds(1));
  std::vector<std::vector<Second>> parts(number);
  for (const Worker& worker : workers) {
    for (Second& second : worker.timeline().measured(number)) {
      parts[static_cast<std::size_t>(second.index)].push_back(std::move(second));
    }
  }
  std::vector<SecondSummary> summaries;
  summaries.reserve(parts.size());
  for (const auto& same_second : parts) summaries.push_back(summarize(same_second));
  return summaries;
}

}  // namespace

Result run(const Options& options) {
  const std::vector<Endpoint> endpoints = resolve(options.host, options.port);
  const std::optional<TlsClient> tls = make_tls(options);
  make_room_for(options);

  const Pattern requests = requests_of(options);
  Schedule schedule(options.warmup, options.measured_time(), options.threads,
                    options.connections != 0);
  Endpoint target;
  std::deque<Worker> workers;
  std::optional<ServerWatch> server;  // not on a coroutine's stack, since another one uses it
  colibri::run([&] {
    target = first_reachable(endpoints, options.connect_timeout);
    const Common common{options, target, tls ? &*tls : nullptr, requests};
    for (std::uint32_t i = 0; i < options.threads; ++i) workers.emplace_back(common, schedule, i);
    server.emplace(listeners_on(target));
    run_workers(workers, options, schedule, *server);
  });

  const auto total = std::make_shared<Statistics>();
  for (const Worker& worker : workers) total->merge(worker.statistics());
  return {options,
          target.numeric(),
          total,
          schedule.measured(),
          interrupted(),
          seconds_of(workers, schedule.measured()),
          server->seconds()};
}

}  // namespace load_test
