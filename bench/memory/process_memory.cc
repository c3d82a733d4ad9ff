#include "bench/memory/process_memory.h"

#include <fstream>
#include <string>

namespace colibri::bench {
namespace {

/// The number of KiB behind `key` in a file of /proc, in bytes.
std::size_t bytes_at(const char* path, const std::string& key) {
  std::ifstream file(path);
  for (std::string word; file >> word;) {
    std::size_t kibibytes = 0;
    if (word == key && file >> kibibytes) return kibibytes * 1024;
  }
  return 0;
}

std::size_t count_lines(const char* path) {
  std::ifstream file(path);
  std::size_t count = 0;
  for (std::string line; std::getline(file, line);) ++count;
  return count;
}

}  // namespace

ProcessMemory ProcessMemory::now() {
  // The counters in "status" lag behind; the roll-up walks the pages.
  return {bytes_at("/proc/self/smaps_rollup", "Rss:"), bytes_at("/proc/self/status", "VmPTE:"),
          count_lines("/proc/self/maps")};
}

}  // namespace colibri::bench
