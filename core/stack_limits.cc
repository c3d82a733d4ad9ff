#include "colibri/core/stack_limits.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string>
#include <system_error>

#include "colibri/core/libc.h"

namespace colibri {
namespace {

constexpr std::size_t kUsualMappingLimit = 65'530;
constexpr std::size_t kMebibyte = 1024 * 1024;

/// Hands the contents of a file of /proc to `use`, piece by piece. No stdio: it would take locks
/// and might run through the hooks.
template <class Use>
void read_file(const char* path, Use use) noexcept {
  const int file = real::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  char bytes[4096];
  for (ssize_t size; (size = real::read(file, bytes, sizeof bytes)) > 0;) use(bytes, bytes + size);
  real::close(file);
}

/// The number that a file of /proc begins with.
std::size_t number_in(const char* path, std::size_t otherwise) noexcept {
  std::size_t number = otherwise;
  read_file(path,
            [&](const char* first, const char* last) { std::from_chars(first, last, number); });
  return number;
}

std::size_t mappings() noexcept {
  std::size_t lines = 0;
  read_file("/proc/self/maps", [&](const char* first, const char* last) {
    lines += static_cast<std::size_t>(std::count(first, last, '\n'));
  });
  return lines;
}

std::string in_mebibytes(std::size_t bytes) {
  return std::to_string(bytes / kMebibyte) + " MiB";
}

/// Which limit stands in the way of `bytes` more, in words. Empty when it is none that we know.
std::string limit_in_the_way(std::size_t bytes) {
  rlimit address_space{};
  getrlimit(RLIMIT_AS, &address_space);
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t used = number_in("/proc/self/statm", 0) * page;
  if (address_space.rlim_cur != RLIM_INFINITY && used + bytes > address_space.rlim_cur) {
    return "RLIMIT_AS is " + in_mebibytes(address_space.rlim_cur) + ", of which " +
           in_mebibytes(used) + " are taken; raise it (ulimit -v) or spawn with smaller stacks";
  }
  const std::size_t limit = mapping_limit();
  if (const std::size_t count = mappings(); count + 8 >= limit) {
    return "the process has " + std::to_string(count) + " mappings, and vm.max_map_count is " +
           std::to_string(limit) +
           "; raise it (sysctl -w vm.max_map_count=" + std::to_string(4 * limit) + ")";
  }
  if (number_in("/proc/sys/vm/overcommit_memory", 0) == 2) {
    return "vm.overcommit_memory is 2, so that address space counts as memory; set it to 0 or 1, "
           "raise vm.overcommit_ratio, or spawn with smaller stacks";
  }
  return {};
}

}  // namespace

std::size_t mapping_limit() noexcept {
  return number_in("/proc/sys/vm/max_map_count", kUsualMappingLimit);
}

void throw_no_address_space(int error, std::size_t bytes) {
  std::string why = limit_in_the_way(bytes);
  if (why.empty()) {
    why =
        "the system has no memory; look at RLIMIT_AS, vm.max_map_count, vm.overcommit_memory and "
        "the memory limit of the control group";
  }
  throw std::system_error(error, std::generic_category(),
                          "cannot reserve " + std::to_string(bytes / 1024) +
                              " KiB of address space for stacks: " + why);
}

void throw_no_guard(int error, std::size_t guards) {
  const std::size_t limit = mapping_limit();
  throw std::system_error(
      error, std::generic_category(),
      "cannot guard another stack: " + std::to_string(guards) +
          " guards take two mappings each, a tenth is kept for the rest of the process, and "
          "vm.max_map_count is " +
          std::to_string(limit) +
          "; raise it (sysctl -w vm.max_map_count=" + std::to_string(4 * limit) +
          "), or use Linux 6.13 or later, where guards take no mappings unless memory is locked");
}

void throw_no_markers(int error) {
  throw std::system_error(error, std::generic_category(),
                          "COLIBRI_STACK_GUARD=markers, but the kernel installs no guard markers "
                          "(it must be Linux 6.13 or later, and memory must not be locked); unset "
                          "it, so that mprotect guards the stacks");
}

}  // namespace colibri
