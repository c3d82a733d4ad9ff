// load_test: puts a server under load, and measures.
//
//   bazel run --config=opt //samples:load_test -- --port 7777 --connections 1000 --duration 10
//   bazel run --config=opt //samples:load_test -- --protocol http --tls --port 443 --host
//   example.org
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
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string>

#include "samples/load_test/command_line.h"
#include "samples/load_test/interrupt.h"
#include "samples/load_test/load.h"

namespace load_test {
namespace {

void print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  if (std::fflush(stdout) != 0) throw std::runtime_error("cannot write the result");
}

void write_file(const std::string& name, const std::string& text) {
  std::ofstream file(name);
  file << text << std::flush;
  if (!file) throw std::runtime_error("cannot write '" + name + "'");
}

int measure(CommandLine line) {
  handle_interrupts();
  line.options.live = ::isatty(STDERR_FILENO) == 1;
  const Result result = run(line.options);
  print(line.json ? as_json(result) : as_text(result));
  if (!line.csv_file.empty()) write_file(line.csv_file, as_csv(result));
  if (result.good()) return 0;
  std::fprintf(stderr, "load_test: %s\n", result.complaint().c_str());
  return 1;
}

}  // namespace
}  // namespace load_test

int main(int argc, char** argv) {
  int exit_status = 0;
  const auto line = load_test::parse_command_line(argc, argv, exit_status);
  if (!line) return exit_status;
  try {
    return load_test::measure(*line);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "load_test: %s\n", error.what());
    return 2;
  }
}
