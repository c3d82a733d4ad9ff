#include "colibri/hook/raw_system_calls.h"

#include <sys/syscall.h>

#include <algorithm>
#include <cstring>
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

#if defined(__x86_64__)
/// mov $number, %eax, and within some instructions: syscall.
int raw_call_at(std::span<const std::uint8_t> code, std::size_t place) noexcept {
  constexpr std::size_t kMoveBytes = 5;
  constexpr std::size_t kFarthest = 24;
  if (code[place] != 0xb8 || place + kMoveBytes + 2 > code.size()) return -1;
  int number;
  std::memcpy(&number, &code[place + 1], sizeof number);
  const std::size_t end = std::min(place + kMoveBytes + kFarthest, code.size() - 1);
  for (std::size_t i = place + kMoveBytes; i < end; ++i) {
    if (code[i] == 0x0f && code[i + 1] == 0x05) return number;
  }
  return -1;
}
constexpr std::size_t kStep = 1;
#else
/// mov x8, #number, and within some instructions: svc #0.
int raw_call_at(std::span<const std::uint8_t> code, std::size_t place) noexcept {
  constexpr std::size_t kFarthest = 6 * 4;
  constexpr std::uint32_t kMove = 0xd2800008;
  constexpr std::uint32_t kEnter = 0xd4000001;
  std::uint32_t instruction;
  if (place + 4 > code.size()) return -1;
  std::memcpy(&instruction, &code[place], 4);
  if ((instruction & 0xffe0001f) != kMove) return -1;
  const int number = static_cast<int>((instruction >> 5) & 0xffff);
  for (std::size_t i = place + 4; i + 4 <= std::min(place + kFarthest, code.size()); i += 4) {
    std::memcpy(&instruction, &code[i], 4);
    if (instruction == kEnter) return number;
  }
  return -1;
}
constexpr std::size_t kStep = 4;
#endif

}  // namespace

std::vector<int> find_raw_system_calls(std::span<const std::uint8_t> code) {
  std::vector<int> found;
  for (std::size_t i = 0; i < code.size(); i += kStep) {
    const int number = raw_call_at(code, i);
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
