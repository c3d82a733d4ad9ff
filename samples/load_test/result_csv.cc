#include <cstdio>

#include "samples/load_test/result.h"

namespace load_test {

std::string as_csv(const Result& result) {
  std::string text =
      "second,messages,errors,p50_us,p90_us,p99_us,max_us,server_processors,"
      "server_resident_bytes\n";
  for (std::size_t i = 0; i < result.seconds.size(); ++i) {
    const SecondSummary& second = result.seconds[i];
    char line[256];
    std::snprintf(line, sizeof line, "%zu,%llu,%llu,%.1f,%.1f,%.1f,%.1f,", i,
                  static_cast<unsigned long long>(second.messages),
                  static_cast<unsigned long long>(second.errors), second.p50, second.p90,
                  second.p99, second.max);
    text += line;
    if (i < result.server.size()) {
      std::snprintf(line, sizeof line, "%.3f,%llu\n", result.server[i].processors,
                    static_cast<unsigned long long>(result.server[i].resident_bytes));
      text += line;
    } else {
      text += ",\n";
    }
  }
  return text;
}

}  // namespace load_test
