#include "bench/echo/process_usage.h"

#include <ctime>
#include <fstream>
#include <string>
#include <system_error>

namespace bench {
namespace {

[[noreturn]] void no_such_process(pid_t pid) {
  throw std::system_error(ESRCH, std::generic_category(), "process " + std::to_string(pid));
}

}  // namespace

std::int64_t cpu_nanoseconds(pid_t pid) {
  // The process's CPU clock has nanoseconds and keeps what ended threads have used, where
  // /proc/PID/stat counts in ticks and /proc/PID/task forgets.
  clockid_t clock;
  timespec time{};
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0) {
    no_such_process(pid);
  }
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::int64_t resident_bytes(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  std::string word;
  while (status >> word) {
    std::int64_t kibibytes;
    if (word == "VmRSS:" && status >> kibibytes) return kibibytes * 1024;
  }
  no_such_process(pid);
}

}  // namespace bench
