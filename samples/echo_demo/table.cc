#include "samples/echo_demo/table.h"

#include <algorithm>
#include <cstdio>

namespace echo_demo {
namespace {

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace

void Table::add(const Server& server, unsigned connections, const Measurement& measurement) {
  Row& row = rows_[{connections, server.name}];
  row.messages.push_back(measurement.messages_per_second);
  row.p99.push_back(measurement.p99_microseconds);
  row.cpu.push_back(measurement.cpu_nanoseconds_per_message);
  row.bytes.push_back(measurement.bytes_per_connection);
  // Of the same round: the pace of a machine changes from one minute to the next.
  const std::vector<double>& yardstick = rows_[{connections, servers_.front().name}].cpu;
  if (!yardstick.empty()) row.ratio.push_back(row.cpu.back() / yardstick.back());
}

void Table::print() const {
  std::printf("%11s  %-20s  %10s  %8s  %14s  %14s  %13s\n", "connections", "server", "messages/s",
              "p99 us", "CPU ns/message", "KiB/connection", "CPU to epoll");
  for (const unsigned connections : connections_) {
    for (const Server& server : servers_) {
      const auto found = rows_.find({connections, server.name});
      if (found == rows_.end() || found->second.cpu.empty()) {
        std::printf("%11u  %-20s  failed\n", connections, server.name);
        continue;
      }
      const Row& row = found->second;
      std::printf("%11u  %-20s  %10.0f  %8.1f  %14.0f  %14.2f", connections, server.name,
                  median(row.messages), median(row.p99), median(row.cpu), median(row.bytes) / 1024);
      if (row.ratio.empty()) {
        std::printf("  %13s\n", "-");
      } else {
        std::printf("  %13.3f\n", median(row.ratio));
      }
    }
  }
}

}  // namespace echo_demo
