#include "samples/load_test/descriptor_limit.h"

#include <sys/resource.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace load_test {
namespace {

// Standard streams and what the runtime opens for the process and for each thread.
constexpr std::uint64_t kOwnDescriptors = 32;
constexpr std::uint64_t kDescriptorsOfThread = 8;

}  // namespace

void make_room_for(const Options& options) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    throw std::runtime_error(std::string("cannot read RLIMIT_NOFILE: ") + std::strerror(errno));
  }
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);  // lowering nothing, it cannot fail
  }
  const std::uint64_t connections = std::uint64_t{options.connections} + options.idle;
  const std::uint64_t own = kOwnDescriptors + kDescriptorsOfThread * options.threads;
  if (connections + own <= limit.rlim_cur) return;
  throw std::runtime_error("--connections " + std::to_string(options.connections) +
                           " with --idle " + std::to_string(options.idle) + " needs " +
                           std::to_string(connections + own) +
                           " descriptors, but RLIMIT_NOFILE allows " +
                           std::to_string(limit.rlim_cur) + "; raise it with ulimit -Hn");
}

}  // namespace load_test
