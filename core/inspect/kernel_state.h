// What the kernel says of one thread of the process: whether it runs, waits for a processor, or
// sits in a system call, and in which.
#pragma once

#include <sys/types.h>
#include <time.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "colibri/core/internal_descriptor.h"

namespace colibri {

/// The times of a thread so far, in nanoseconds, and what it does now.
struct ThreadTimes {
  std::int64_t now = 0;       // the monotonic clock
  std::int64_t computed = 0;  // on a processor
  std::int64_t queued = 0;    // wanted a processor, and had none; not the present time in the queue
  char state = '?';           // as in /proc: R, S, D, T, …; ? is not known
};

/// A system call in which a thread sits.
struct SystemCall {
  long number = -1;  // negative: none; a page fault, say
  std::array<std::uint64_t, 6> arguments{};
  std::uintptr_t stack_pointer = 0;
  std::uintptr_t instruction_pointer = 0;

  friend bool operator==(const SystemCall&, const SystemCall&) = default;
};

/// The state of a line such as "17 (name) S 1 …"; '?' if it is no such line.
char parse_state(std::string_view stat) noexcept;
/// The second number of a line such as "1000 2000 3"; nothing if it is no such line.
std::optional<std::int64_t> parse_queued(std::string_view schedstat) noexcept;
/// Of a line such as "0 0x5 0x1 … 0x7ffd 0x7f2c"; nothing if the thread runs, or it is no such
/// line.
std::optional<SystemCall> parse_system_call(std::string_view line) noexcept;

/// The kernel's files on one thread of this process, held open. One thread's own.
class ThreadFiles {
 public:
  /// Files that cannot be had say nothing, as after the thread's end.
  explicit ThreadFiles(pid_t thread);

  /// Without a file system that tells, `queued` is 0 and `state` '?'.
  ThreadTimes times(clockid_t cpu_clock) const noexcept;
  std::optional<SystemCall> system_call() const noexcept;

 private:
  InternalDescriptor stat_;
  InternalDescriptor schedstat_;
  InternalDescriptor syscall_;
};

}  // namespace colibri
