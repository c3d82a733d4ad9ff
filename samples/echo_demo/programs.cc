#include "samples/echo_demo/programs.h"

#include <sched.h>

#include <cstdlib>
#include <stdexcept>
#include <vector>

namespace echo_demo {

std::filesystem::path find_program(const std::string& path) {
  std::vector<std::filesystem::path> candidates;
  for (const char* variable : {"RUNFILES_DIR", "TEST_SRCDIR"}) {
    if (const char* value = std::getenv(variable)) candidates.emplace_back(value);
  }
  candidates.push_back(std::filesystem::read_symlink("/proc/self/exe").string() + ".runfiles");
  for (const auto& candidate : candidates) {
    auto program = candidate / "colibri" / path;
    if (std::filesystem::exists(program)) return program;
  }
  throw std::runtime_error(path + " is not among the runfiles; was this program built by Bazel?");
}

Cores choose_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return {};
  std::vector<int> cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(static_cast<unsigned>(core), &allowed)) cores.push_back(core);
  }
  return cores.size() < 2 ? Cores{} : Cores{cores[0], cores[1]};
}

}  // namespace echo_demo
