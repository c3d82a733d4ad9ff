#include "test/load/echo_server_process.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <stdexcept>
#include <thread>

#include "samples/echo_demo/programs.h"

namespace colibri::test {
namespace {

using echo_demo::find_program;

int port_announced_by(echo_demo::ChildProcess& server) {
  const std::string line = server.read_line(kHang);
  const auto colon = line.rfind(':');
  if (!line.starts_with("listening on ") || colon == std::string::npos) {
    throw std::runtime_error("the server said: " + line);
  }
  return std::stoi(line.substr(colon + 1));
}

/// Sockets that a process has open. Other descriptors it may still be opening when it says that it
/// listens.
std::size_t sockets_of(pid_t pid) {
  std::size_t count = 0;
  for (const auto& each :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
    std::error_code closed_meanwhile;
    const std::string what = std::filesystem::read_symlink(each, closed_meanwhile);
    if (what.starts_with("socket:")) ++count;
  }
  return count;
}

std::vector<std::string> server_command(std::vector<std::string> command) {
  command.front() = find_program("samples/" + command.front());
  command.insert(command.end(), {"--port", "0"});
  return command;
}

std::vector<std::string> tester_command(int port, std::size_t connections,
                                        const std::vector<std::string>& options) {
  std::vector<std::string> command = {find_program("samples/load_test/load_test"),
                                      "--json",
                                      "--verify",
                                      "--port",
                                      std::to_string(port),
                                      "--connections",
                                      std::to_string(connections),
                                      "--connect-timeout",
                                      "60",
                                      "--grace",
                                      "60"};
  command.insert(command.end(), options.begin(), options.end());
  return command;
}

}  // namespace

bool wait_until(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kHang;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

EchoServerProcess::EchoServerProcess(const std::vector<std::string>& command)
    : process_(server_command(command), {}),
      port_(port_announced_by(process_)),
      sockets_at_rest_(sockets_of(process_.pid())) {}

bool EchoServerProcess::await_connections(std::size_t number) const {
  return wait_until([&] { return sockets_of(pid()) == sockets_at_rest_ + number; });
}

LoadTester::LoadTester(const EchoServerProcess& server, std::size_t connections,
                       const std::vector<std::string>& options)
    : process_(tester_command(server.port(), connections, options), {}) {}

LoadTester::Outcome LoadTester::await_end() {
  Outcome outcome;
  outcome.status = process_.await_end(kHang);
  const std::string output = process_.take_output();
  // The report is one object that begins and ends at the beginning of a line.
  const auto begin = output.find("{\n");
  const auto end = output.find("\n}\n");
  if (begin == std::string::npos || end == std::string::npos) {
    outcome.complaint = output;
  } else {
    outcome.report = nlohmann::json::parse(output.substr(begin, end + 2 - begin));
    outcome.complaint = output.substr(0, begin) + output.substr(end + 3);
  }
  return outcome;
}

std::size_t errors_in(const nlohmann::json& report) {
  std::size_t sum = 0;
  for (const auto& number : report.at("errors")) sum += number.get<std::size_t>();
  return sum;
}

void expect_flawless(const LoadTester::Outcome& outcome, std::size_t connections) {
  EXPECT_EQ(outcome.status, 0) << outcome.complaint;
  ASSERT_FALSE(outcome.report.is_null()) << outcome.complaint;
  EXPECT_EQ(outcome.report["connections"]["established"], connections);
  EXPECT_EQ(outcome.report["connections"]["lost"], 0);
  EXPECT_EQ(outcome.report["unanswered"], 0);
  EXPECT_GT(outcome.report["messages"], 0);
  EXPECT_EQ(errors_in(outcome.report), 0) << outcome.report["errors"];
}

}  // namespace colibri::test
