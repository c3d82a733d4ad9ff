// One server under one load.
#pragma once

#include <chrono>
#include <string>

#include "samples/echo_demo/programs.h"

namespace echo_demo {

struct Load {
  unsigned connections = 0;
  std::chrono::duration<double> duration{};
};

struct Measurement {
  double messages_per_second = 0;
  double p99_microseconds = 0;
  double cpu_nanoseconds_per_message = 0;  // of the server, user and system
  double bytes_per_connection = 0;         // resident memory under load, less that before
};

/// Starts the program `server` and the load tester, and ends both. Throws std::runtime_error, with
/// a sentence, when anything fails or any message stays without its answer.
Measurement measure(const std::string& server, const Load& load, const Cores& cores);

}  // namespace echo_demo
