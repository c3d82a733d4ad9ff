#include "samples/load_test/server_watch.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <system_error>

#include "colibri/colibri.h"

namespace load_test {
namespace {

constexpr unsigned kListens = 0x0A;  // in the kernel's tables of sockets

in_port_t& port_of(Endpoint& endpoint) {
  return endpoint.address.ss_family == AF_INET6
             ? reinterpret_cast<sockaddr_in6&>(endpoint.address).sin6_port
             : reinterpret_cast<sockaddr_in&>(endpoint.address).sin_port;
}

/// A socket can be bound to an address of this machine only.
bool is_local(Endpoint endpoint) {
  port_of(endpoint) = 0;
  const Descriptor socket(::socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return socket.valid() && ::bind(socket.number(), endpoint.get(), endpoint.size) == 0;
}

/// As a descriptor's link names them: "socket:[12345]". Of a table of /proc/net/tcp's form.
void add_listeners(const char* table, unsigned wanted_port, std::set<std::string>& sockets) {
  std::ifstream file(table);
  std::string line;
  std::getline(file, line);  // the names of the columns
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string slot, local, remote, queues, timer, retransmits, owner, timeout, inode;
    std::string state;
    words >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> owner >>
        timeout >> inode;
    const auto colon = local.rfind(':');
    if (!words || colon == std::string::npos) continue;
    const auto port = std::strtoul(local.c_str() + colon + 1, nullptr, 16);
    if (port != wanted_port || std::strtoul(state.c_str(), nullptr, 16) != kListens) continue;
    sockets.insert("socket:[" + inode + ']');
  }
}

bool has_one_of(const std::filesystem::path& process, const std::set<std::string>& sockets) {
  std::error_code refused;  // of another user, or ended meanwhile
  for (const auto& each : std::filesystem::directory_iterator(process / "fd", refused)) {
    std::error_code closed;
    if (sockets.count(std::filesystem::read_symlink(each, closed)) != 0) return true;
  }
  return false;
}

std::optional<std::chrono::nanoseconds> processor_time_of(pid_t process) {
  // In nanoseconds, where /proc/PID/stat counts in ticks of 10 ms.
  clockid_t clock{};
  timespec time{};
  if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &time) != 0) {
    return std::nullopt;
  }
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

std::uint64_t resident_bytes_of(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/statm");
  std::uint64_t all_pages = 0;
  std::uint64_t resident_pages = 0;
  file >> all_pages >> resident_pages;
  return resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

std::vector<pid_t> listeners_on(const Endpoint& target) {
  if (!is_local(target)) return {};
  Endpoint copy = target;
  std::set<std::string> sockets;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    add_listeners(table, ntohs(port_of(copy)), sockets);
  }
  std::vector<pid_t> processes;
  std::error_code error;
  for (const auto& each : std::filesystem::directory_iterator("/proc", error)) {
    const pid_t number = std::atoi(each.path().filename().c_str());
    if (number > 0 && has_one_of(each, sockets)) processes.push_back(number);
  }
  return processes;
}

std::optional<ServerWatch::Usage> ServerWatch::read_usage() const {
  Usage usage;
  for (const pid_t process : processes_) {
    const auto time = processor_time_of(process);
    if (!time) return std::nullopt;
    usage.processor_time += *time;
    usage.resident_bytes += resident_bytes_of(process);
  }
  return usage;
}

void ServerWatch::watch(const Schedule& schedule) {
  if (processes_.empty()) return;
  while (!schedule.started()) colibri::sleep_for(std::chrono::milliseconds(5));
  colibri::sleep_until(schedule.measure_begin());
  TimePoint before = Clock::now();
  std::optional<Usage> last = read_usage();
  for (int second = 1; last; ++second) {
    colibri::sleep_until(schedule.measure_begin() + std::chrono::seconds(second));
    const TimePoint now = Clock::now();
    const std::optional<Usage> usage = read_usage();
    if (!usage) return;
    const std::chrono::duration<double> used = usage->processor_time - last->processor_time;
    seconds_.push_back({used / std::chrono::duration<double>(now - before), usage->resident_bytes});
    before = now;
    last = usage;
  }
}

}  // namespace load_test
