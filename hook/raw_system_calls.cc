#include "colibri/hook/raw_system_calls.h"

#include <sys/syscall.h>

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace colibri::hook {
namespace {

struct Named {
  int number;
  const char* name;
};

constexpr Named kBlocking[] = {
    {SYS_read, "read"},
    {SYS_write, "write"},
    {SYS_readv, "readv"},
    {SYS_writev, "writev"},
    {SYS_ppoll, "ppoll"},
    {SYS_pselect6, "pselect6"},
    {SYS_epoll_pwait, "epoll_pwait"},
    {SYS_accept, "accept"},
    {SYS_accept4, "accept4"},
    {SYS_connect, "connect"},
    {SYS_recvfrom, "recvfrom"},
    {SYS_sendto, "sendto"},
    {SYS_recvmsg, "recvmsg"},
    {SYS_sendmsg, "sendmsg"},
    {SYS_nanosleep, "nanosleep"},
    {SYS_clock_nanosleep, "clock_nanosleep"},
    {SYS_futex, "futex"},
    {SYS_wait4, "wait4"},
    {SYS_waitid, "waitid"},
#if defined(__x86_64__)
    {SYS_poll, "poll"},
    {SYS_select, "select"},
    {SYS_epoll_wait, "epoll_wait"},
#endif
};

// Code segments may hold what AddressSanitizer keeps others from reading.
__attribute__((no_sanitize("address"))) std::uint32_t word_at(const std::uint8_t* place) noexcept {
  return static_cast<std::uint32_t>(place[0]) | static_cast<std::uint32_t>(place[1]) << 8 |
         static_cast<std::uint32_t>(place[2]) << 16 | static_cast<std::uint32_t>(place[3]) << 24;
}

#if defined(__x86_64__)
constexpr std::size_t kStep = 1;

/// mov $number, %eax, and within some instructions: syscall.
__attribute__((no_sanitize("address"))) int raw_call_at(const std::uint8_t* place,
                                                        const std::uint8_t* end) noexcept {
  constexpr std::ptrdiff_t kMoveBytes = 5;
  constexpr std::ptrdiff_t kFarthest = 24;
  if (end - place < kMoveBytes + 2 || *place != 0xb8) return -1;
  const std::uint8_t* last =
      end - place > kMoveBytes + kFarthest ? place + kMoveBytes + kFarthest : end - 1;
  for (const std::uint8_t* each = place + kMoveBytes; each < last; ++each) {
    if (each[0] == 0x0f && each[1] == 0x05) return static_cast<int>(word_at(place + 1));
  }
  return -1;
}
#else
constexpr std::size_t kStep = 4;

/// mov x8, #number, and within some instructions: svc #0.
__attribute__((no_sanitize("address"))) int raw_call_at(const std::uint8_t* place,
                                                        const std::uint8_t* end) noexcept {
  constexpr std::uint32_t kMove = 0xd2800008;
  constexpr std::uint32_t kEnter = 0xd4000001;
  if (end - place < 8 || (word_at(place) & 0xffe0001f) != kMove) return -1;
  for (const std::uint8_t* each = place + 4; each + 4 <= end && each < place + 24; each += 4) {
    if (word_at(each) == kEnter) return static_cast<int>((word_at(place) >> 5) & 0xffff);
  }
  return -1;
}
#endif

}  // namespace

std::vector<int> find_raw_system_calls(std::span<const std::uint8_t> code) {
  std::vector<int> found;
  const std::uint8_t* end = code.data() + code.size();
  for (std::size_t i = 0; i < code.size(); i += kStep) {
    const int number = raw_call_at(code.data() + i, end);
    if (number < 0 || std::string_view(name_of_system_call(number)).empty()) continue;
    if (std::find(found.begin(), found.end(), number) == found.end()) found.push_back(number);
  }
  std::sort(found.begin(), found.end());
  return found;
}

const char* name_of_system_call(int number) noexcept {
  const auto* found = std::find_if(std::begin(kBlocking), std::end(kBlocking),
                                   [number](const Named& each) { return each.number == number; });
  return found != std::end(kBlocking) ? found->name : "";
}

}  // namespace colibri::hook
