// The result, for people.
#pragma once

#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "samples/echo_demo/measurement.h"

namespace echo_demo {

struct Server {
  const char* name;
  const char* program;
};

/// Collects the rounds. The first server is what the others are compared with.
class Table {
 public:
  Table(std::span<const Server> servers, const std::vector<unsigned>& connections)
      : servers_(servers), connections_(connections) {}

  /// To be called in the order of the servers within a round.
  void add(const Server& server, unsigned connections, const Measurement& measurement);
  /// The medians, to standard output.
  void print() const;

 private:
  struct Row {
    std::vector<double> messages, p99, cpu, bytes, ratio;
  };

  std::span<const Server> servers_;
  std::vector<unsigned> connections_;
  std::map<std::pair<unsigned, std::string>, Row> rows_;
};

}  // namespace echo_demo
