#include "colibri/core/inspect/kernel_state.h"

#include <fcntl.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <system_error>

#include "colibri/core/clock.h"
#include "colibri/core/libc.h"

namespace colibri {
namespace {

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

using Line = std::array<char, 512>;

/// The file's content, or as much as fits. By pread, which leaves alone whatever the program may
/// have put under the number behind our back.
std::string_view read_file(const InternalDescriptor& file, Line& line) noexcept {
  const int number = file.number();
  if (number < 0) return {};
  const ssize_t size = real::pread64(number, line.data(), line.size(), 0);
  return {line.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

void open_file(InternalDescriptor& file, pid_t thread, const char* name) {
  std::array<char, 64> path;
  std::snprintf(path.data(), path.size(), "/proc/self/task/%d/%s", thread, name);
  const int number = real::open(path.data(), O_RDONLY | O_CLOEXEC);
  if (number >= 0) file.adopt(number, name);
}

/// Takes a word off the front of `text`.
std::string_view take_word(std::string_view& text) noexcept {
  const std::size_t begin = std::min(text.find_first_not_of(" \n"), text.size());
  const std::size_t end = std::min(text.find_first_of(" \n", begin), text.size());
  const std::string_view word = text.substr(begin, end - begin);
  text.remove_prefix(end);
  return word;
}

template <class Number>
bool parse_number(std::string_view word, Number& number) noexcept {
  const bool hexadecimal = word.starts_with("0x");
  if (hexadecimal) word.remove_prefix(2);
  const char* end = word.data() + word.size();
  const auto result = std::from_chars(word.data(), end, number, hexadecimal ? 16 : 10);
  return result.ec == std::errc() && result.ptr == end;
}

}  // namespace

char parse_state(std::string_view stat) noexcept {
  // The name may contain anything, brackets and blanks as well.
  const std::size_t end_of_name = stat.rfind(") ");
  if (end_of_name == std::string_view::npos || end_of_name + 2 >= stat.size()) return '?';
  return stat[end_of_name + 2];
}

std::optional<std::int64_t> parse_queued(std::string_view schedstat) noexcept {
  take_word(schedstat);
  std::int64_t queued = 0;
  if (!parse_number(take_word(schedstat), queued)) return std::nullopt;
  return queued;
}

std::optional<SystemCall> parse_system_call(std::string_view line) noexcept {
  SystemCall call;
  if (!parse_number(take_word(line), call.number)) return std::nullopt;
  for (std::uint64_t& argument : call.arguments) {
    if (call.number >= 0 && !parse_number(take_word(line), argument)) return std::nullopt;
  }
  if (!parse_number(take_word(line), call.stack_pointer)) return std::nullopt;
  if (!parse_number(take_word(line), call.instruction_pointer)) return std::nullopt;
  return call;
}

ThreadFiles::ThreadFiles(pid_t thread) {
  open_file(stat_, thread, "stat");
  open_file(schedstat_, thread, "schedstat");
  open_file(syscall_, thread, "syscall");
}

ThreadTimes ThreadFiles::times(clockid_t cpu_clock) const noexcept {
  ThreadTimes times;
  Line line;
  // Before the other two: a thread that begins to run meanwhile has not been blocked for longer
  // than it seems.
  times.now = monotonic_now();
  times.state = parse_state(read_file(stat_, line));
  times.queued = parse_queued(read_file(schedstat_, line)).value_or(0);
  timespec computed{};
  if (clock_gettime(cpu_clock, &computed) == 0) {
    times.computed = computed.tv_sec * kNanosecondsPerSecond + computed.tv_nsec;
  }
  return times;
}

std::optional<SystemCall> ThreadFiles::system_call() const noexcept {
  Line line;
  return parse_system_call(read_file(syscall_, line));
}

}  // namespace colibri
