#include "test/support/descriptors.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "colibri/core/event_loop.h"
#include "colibri/core/internal_descriptor.h"
#include "colibri/core/libc.h"

namespace colibri::test {
namespace {

constexpr const char* kOpenDescriptors = "/proc/self/fd";

/// Where libc looks when a thread, such as a helper, asks for memory for the first time.
constexpr const char* kLooksOfLibc = "/sys/devices/system/cpu/online";

/// A test that cannot make its descriptors proves nothing.
void require(bool made, const char* what) {
  if (made) return;
  std::perror(what);
  std::abort();
}

}  // namespace

std::size_t open_descriptors() {
  const std::string names = names_of_open_descriptors();
  // One of them is the look's own.
  return static_cast<std::size_t>(std::count(names.begin(), names.end(), '\n')) - 1;
}

std::string names_of_open_descriptors() {
  std::string names;
  for (const auto& entry : std::filesystem::directory_iterator(kOpenDescriptors)) {
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(entry.path(), gone).string();
    if (gone || target == kLooksOfLibc) continue;
    names += entry.path().filename().string() + " -> " + target + "\n";
  }
  return names;
}

int internal_descriptor_of_kind(const std::string& kind) {
  int found = -1;
  for (const auto& entry : std::filesystem::directory_iterator(kOpenDescriptors)) {
    const int number = std::stoi(entry.path().filename().string());
    if (!is_internal_descriptor(number)) continue;
    const std::string target = std::filesystem::read_symlink(entry.path()).string();
    if (target == "anon_inode:[" + kind + "]") found = std::max(found, number);
  }
  return found;
}

unsigned long long times_written(int eventfd) {
  std::ifstream info("/proc/self/fdinfo/" + std::to_string(eventfd));
  for (std::string key; info >> key;) {
    if (key != "eventfd-count:") continue;
    unsigned long long count = 0;
    info >> std::hex >> count;
    return count;
  }
  return 0;
}

DescriptorPair DescriptorPair::pipe() {
  int ends[2];
  require(real::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0, "pipe2");
  return {ends[0], ends[1]};
}

DescriptorPair DescriptorPair::sockets() {
  int ends[2];
  require(real::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0,
          "socketpair");
  return {ends[0], ends[1]};
}

DescriptorPair::DescriptorPair(DescriptorPair&& other) noexcept
    : ends_{std::exchange(other.ends_[0], -1), std::exchange(other.ends_[1], -1)} {}

DescriptorPair::~DescriptorPair() {
  close_reader();
  close_writer();
}

void DescriptorPair::close_end(int index) noexcept {
  const int descriptor = std::exchange(ends_[index], -1);
  if (descriptor < 0) return;
  EventLoop::detach_everywhere(descriptor);
  real::close(descriptor);
  EventLoop::closed_everywhere(descriptor);
}

void DescriptorPair::put(char byte) const noexcept {
  require(real::write(writer(), &byte, 1) == 1, "write");
}

int DescriptorPair::take() const noexcept {
  unsigned char byte = 0;
  return real::read(reader(), &byte, 1) == 1 ? byte : -1;
}

void DescriptorPair::fill() const noexcept {
  static constexpr char kBytes[4096] = {};
  while (real::write(writer(), kBytes, sizeof kBytes) > 0) {
  }
  while (real::write(writer(), kBytes, 1) > 0) {
  }
}

void DescriptorPair::drain() const noexcept {
  char bytes[4096];
  while (real::read(reader(), bytes, sizeof bytes) > 0) {
  }
}

}  // namespace colibri::test
