#include "samples/echo_demo/process_usage.h"

#include <time.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <system_error>

namespace echo_demo {
namespace {

std::string directory_of(pid_t pid) {
  return "/proc/" + std::to_string(pid);
}

}  // namespace

std::chrono::nanoseconds cpu_time_of(pid_t pid) {
  // In nanoseconds, where /proc/PID/stat counts in ticks of 10 ms.
  clockid_t clock{};
  timespec time{};
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0) {
    throw std::runtime_error("the server has ended");
  }
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

std::size_t resident_bytes_of(pid_t pid) {
  std::ifstream file(directory_of(pid) + "/statm");
  std::size_t all_pages = 0;
  std::size_t resident_pages = 0;
  if (!(file >> all_pages >> resident_pages)) throw std::runtime_error("the server has ended");
  return resident_pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::size_t descriptors_of(pid_t pid) {
  std::error_code error;
  const std::filesystem::directory_iterator begin(directory_of(pid) + "/fd", error);
  if (error) throw std::runtime_error("the server has ended");
  return static_cast<std::size_t>(std::distance(begin, std::filesystem::directory_iterator()));
}

}  // namespace echo_demo
