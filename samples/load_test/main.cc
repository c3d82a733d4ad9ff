// load_test: puts a server under load, and measures.
//
//   bazel run --config=opt //samples:load_test -- --port 7777 --connections 1000 --duration 10
//   bazel run --config=opt //samples:load_test -- --protocol http --tls --port 443 --host
//   example.org
//
// prints messages a second, percentiles of the latency, and errors by kind. With --rate it is an
// open loop: messages are due at a constant rate whether or not the server keeps up, and each is
// timed from the moment it was due, so that a stall shows in full ("coordinated omission"). With
// --sweep it looks for the highest rate that the server keeps up with; `compare` tells a difference
// of two results from noise. docs/load_test.md has more. Each connection is a coroutine that sends
// and reads with plain POSIX calls.
//
// Exit status: 0 when every message was answered, 1 when anything failed, 2 when the load could
// not be started (options, host name, limit of descriptors).
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "samples/load_test/command_line.h"
#include "samples/load_test/comparison.h"
#include "samples/load_test/interrupt.h"
#include "samples/load_test/load.h"
#include "samples/load_test/report.h"

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

std::string contents_of(const std::string& name) {
  std::ifstream file(name);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (!file) throw std::runtime_error("cannot read '" + name + "'");
  return text;
}

int measure(const CommandLine& line) {
  const Result result = run(line.options);
  print(line.json ? as_json(result) : as_text(result));
  if (!line.csv_file.empty()) write_file(line.csv_file, as_csv(result));
  if (!line.report_file.empty()) write_file(line.report_file, as_page(result));
  if (result.good()) return 0;
  std::fprintf(stderr, "load_test: %s\n", result.complaint().c_str());
  return 1;
}

/// Each rate has connections of its own: what one has left undone is not the next one's burden.
int look_for_knee(const CommandLine& line) {
  auto measure_rate = [&](double rate) {
    if (interrupted()) throw std::runtime_error("interrupted");
    Options options = line.options;
    options.rate = rate;
    const Result result = run(options);
    if (result.statistics->established.value() == 0) throw std::runtime_error(result.complaint());
    return outcome_of(result);
  };
  const SweepResult result = sweep(line.sweep, measure_rate);
  print(line.json ? as_json(result) : as_text(result));
  return 0;
}

int compare(const CommandLine& line) {
  const Comparison comparison =
      compare_results(contents_of(line.compared[0]), contents_of(line.compared[1]));
  print(line.json ? as_json(comparison) : as_text(comparison));
  return 0;
}

int perform(CommandLine line) {
  if (line.task == CommandLine::Task::kCompare) return compare(line);
  handle_interrupts();
  line.options.live = ::isatty(STDERR_FILENO) == 1;
  return line.task == CommandLine::Task::kSweep ? look_for_knee(line) : measure(line);
}

}  // namespace
}  // namespace load_test

int main(int argc, char** argv) {
  int exit_status = 0;
  const auto line = load_test::parse_command_line(argc, argv, exit_status);
  if (!line) return exit_status;
  try {
    return load_test::perform(*line);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "load_test: %s\n", error.what());
    return 2;
  }
}
