#include "samples/echo_demo/measurement.h"

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "samples/echo_demo/child_process.h"
#include "samples/echo_demo/process_usage.h"

namespace echo_demo {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr Seconds kWarmup = 300ms;
// The load tester begins 10 to 15 ms after its last connection.
constexpr Seconds kHeadStart = 20ms;

std::string port_in(const std::string& announcement) {
  const auto colon = announcement.rfind(':');
  if (!announcement.starts_with("listening on ") || colon == std::string::npos) {
    throw std::runtime_error("the server did not say where it listens: " + announcement);
  }
  return announcement.substr(colon + 1);
}

/// When all connections were there, or the load tester had given up.
Clock::time_point await_connections(ChildProcess& server, ChildProcess& tester,
                                    std::size_t descriptors) {
  while (descriptors_of(server.pid()) < descriptors && !tester.has_ended()) {
    std::this_thread::sleep_for(2ms);
  }
  return Clock::now();
}

}  // namespace

Measurement measure(const std::string& server_program, const Load& load, const Cores& cores) {
  ChildProcess server({find_program(server_program), "--port", "0"}, cores.server);
  const std::string port = port_in(server.read_line(10s));
  const std::size_t memory_before = resident_bytes_of(server.pid());
  const std::size_t descriptors_before = descriptors_of(server.pid());

  ChildProcess tester(
      {find_program("samples/load_test/load_test"), "--port", port, "--connections",
       std::to_string(load.connections), "--duration", std::to_string(load.duration.count()),
       "--warmup", std::to_string(kWarmup.count()), "--json"},
      cores.load);
  const auto connected = await_connections(server, tester, descriptors_before + load.connections);

  // The processor's time within most of the tester's window: as a share of the time, so that the
  // two windows need not be the same to the millisecond.
  std::this_thread::sleep_for(kHeadStart + kWarmup);
  const auto begin = Clock::now();
  const auto cpu_at_begin = cpu_time_of(server.pid());
  std::this_thread::sleep_until(connected + kHeadStart + kWarmup + 0.9 * load.duration);
  const Seconds cpu_used = cpu_time_of(server.pid()) - cpu_at_begin;
  const Seconds elapsed = Clock::now() - begin;
  const std::size_t memory = resident_bytes_of(server.pid());

  const auto report = nlohmann::json::parse(
      tester.finish(std::chrono::ceil<std::chrono::seconds>(load.duration) + 60s));
  Measurement result;
  result.messages_per_second = report.at("messages_per_second");
  result.p99_microseconds = report.at("latency_us").at("p99");
  result.cpu_nanoseconds_per_message = cpu_used / elapsed * 1e9 / result.messages_per_second;
  result.bytes_per_connection =
      (static_cast<double>(memory) - static_cast<double>(memory_before)) / load.connections;
  return result;
}

}  // namespace echo_demo
