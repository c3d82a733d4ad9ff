// The echo server on coroutines beside two that need no library: a hand-written epoll loop, and a
// thread a connection. Each is started in turn, put under the load of //samples:load_test, and
// ended; several rounds, so that a machine that changes its pace treats all alike.
//
//   bazel run --config=opt //samples:echo_demo -- --connections 64 1000 --duration 1 --rounds 3
//
// prints medians, a line a server and number of connections:
//
//   messages/s   p99 us   CPU ns/message   KiB/connection   CPU to epoll
//
// The last column is what counts: the server's processor time for a message, as a ratio to the
// hand-written loop's in the same round. Exit status 1 when anything failed.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <exception>
#include <vector>

#include "samples/echo_demo/measurement.h"
#include "samples/echo_demo/programs.h"
#include "samples/echo_demo/table.h"

namespace echo_demo {
namespace {

constexpr std::array<Server, 3> kServers = {{
    {"epoll, by hand", "bench/baseline/epoll_server"},
    {"coroutines (colibri)", "samples/echo_server_posix"},
    {"thread a connection", "bench/baseline/thread_server"},
}};

struct Options {
  std::vector<unsigned> connections{64, 1000};
  double seconds = 1;
  unsigned rounds = 3;
};

/// False when anything failed; what, stands on stderr then.
bool compare(const Options& options) {
  const Cores cores = choose_cores();
  bool good = true;
  Table table(kServers, options.connections);
  for (unsigned round = 0; round < options.rounds; ++round) {
    for (const unsigned connections : options.connections) {
      for (const Server& server : kServers) {
        const Load load{connections, std::chrono::duration<double>(options.seconds)};
        if (isatty(STDERR_FILENO)) {
          std::fprintf(stderr, "\r\033[Kround %u of %u: %s, %u connections\r", round + 1,
                       options.rounds, server.name, connections);
        }
        try {
          table.add(server, connections, measure(server.program, load, cores));
        } catch (const std::exception& error) {
          std::fprintf(stderr, "echo_demo: %s, %u connections: %s\n", server.name, connections,
                       error.what());
          good = false;
        }
      }
    }
  }
  if (isatty(STDERR_FILENO)) std::fprintf(stderr, "\r\033[K");
  table.print();
  return good;
}

}  // namespace
}  // namespace echo_demo

int main(int argc, char** argv) {
  echo_demo::Options options;
  CLI::App app("Compares an echo server on coroutines with a hand-written loop and with threads.");
  app.option_defaults()->always_capture_default();
  app.add_option("--connections", options.connections, "numbers of connections, one or more")
      ->check(CLI::Range(1, 19'000))
      ->delimiter(',');
  app.add_option("--duration", options.seconds, "seconds of a measurement")
      ->check(CLI::Range(0.1, 600.0));
  app.add_option("--rounds", options.rounds, "measurements of each server; medians are shown")
      ->check(CLI::Range(1, 1000));
  CLI11_PARSE(app, argc, argv);
  try {
    return echo_demo::compare(options) ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "echo_demo: %s\n", error.what());
    return 1;
  }
}
