// What the program believes of its descriptors: whether it asked for non-blocking calls, which
// time-outs it set, what kind each is. Process-wide; every thread reads and writes it.
//
// A descriptor that was born behind the hooks' back (inherited, received over a socket, made by a
// raw system call) is unknown until its first hooked call in a coroutine, which asks the kernel.
#pragma once

#include <sys/time.h>

#include <atomic>
#include <cstdint>

#include "colibri/core/deadline.h"
#include "colibri/core/descriptor_map.h"

namespace colibri {

/// Decides how a call on the descriptor is tried without blocking.
enum class DescriptorKind : std::uint8_t {
  kUnknown,
  kTcp,           // a stream socket of which a short read proves that it is empty
  kStreamSocket,  // other stream sockets
  kMessageSocket,
  kPipe,
  kPollable,  // terminals, eventfd, timerfd and so on: ask poll, then call
  kFile,      // never has to wait, as far as the kernel's poll is concerned
};

/// One descriptor. All bytes zero: unknown.
struct Descriptor {
  std::atomic<DescriptorKind> kind;
  std::atomic<bool> user_nonblocking;  // the program set O_NONBLOCK
  std::atomic<bool> our_nonblocking;   // we did (a listener); hidden from the program
  std::atomic<int> receive_low_water;  // SO_RCVLOWAT when above 1
  std::atomic<int> next_alias;         // ring of numbers for one description, plus 1; 0: alone
  std::atomic<std::uint32_t> life;     // counts what the number has meant
  std::atomic<std::int64_t> receive_timeout;  // nanoseconds; 0: none
  std::atomic<std::int64_t> send_timeout;

  bool is_socket() const noexcept {
    const DescriptorKind now = kind.load(std::memory_order_relaxed);
    return now == DescriptorKind::kTcp || now == DescriptorKind::kStreamSocket ||
           now == DescriptorKind::kMessageSocket;
  }
  bool is_stream_socket() const noexcept {
    const DescriptorKind now = kind.load(std::memory_order_relaxed);
    return now == DescriptorKind::kTcp || now == DescriptorKind::kStreamSocket;
  }
  bool is_stream() const noexcept { return kind != DescriptorKind::kMessageSocket; }
};

namespace descriptor_table {

/// True in the child of a vfork until it calls exec or _exit: it has the parent's memory, but
/// descriptors of its own. Nothing that it does to these may be noted. Any thread.
bool is_of_another_process() noexcept;
/// A vfork has returned: how many of them lie between this process and the one whose memory it has.
/// Returns by how much that is more than what was noted last.
int set_vfork_depth(int depth) noexcept;

/// For this header's functions.
extern constinit DescriptorMap<Descriptor> descriptors;
/// The part of look_up that asks the kernel.
Descriptor* learn(int descriptor) noexcept;

/// What is known of `descriptor` without asking the kernel; null if nothing.
inline Descriptor* find(int descriptor) noexcept {
  Descriptor* entry = descriptors.find(descriptor);
  return entry != nullptr && entry->kind.load(std::memory_order_acquire) != DescriptorKind::kUnknown
             ? entry
             : nullptr;
}

/// What is known of `descriptor`; asks the kernel if that is nothing. Null if it is not open (errno
/// EBADF) or memory is short. errno is kept otherwise.
inline Descriptor* look_up(int descriptor) noexcept {
  Descriptor* entry = find(descriptor);
  return entry != nullptr ? entry : learn(descriptor);
}

/// What tells one meaning of the number from the next: another value once the program has closed
/// it. Any thread.
inline std::uint32_t life_of(int descriptor) noexcept {
  const Descriptor* entry = descriptors.find(descriptor);
  return entry != nullptr ? entry->life.load(std::memory_order_acquire) : 0;
}

/// `descriptor` was just created. Forgets what was believed of its number.
Descriptor* opened(int descriptor, DescriptorKind kind, bool nonblocking) noexcept;

/// `descriptor` was just returned by accept on `listener`, whose time-outs it inherits.
void accepted(int descriptor, const Descriptor& listener, bool nonblocking) noexcept;

/// The program is about to close `descriptor`, or to give its number another meaning: wakes those
/// who wait on it, in all threads.
void closing(int descriptor) noexcept;

/// The number has been closed, after closing(): wakes those on other threads who came in between.
void closed(int descriptor) noexcept;

/// What is known here, or waited for, has smaller numbers.
unsigned end_of_numbers() noexcept;

/// A call said EBADF: if `descriptor` was closed behind the hooks' back, forgets what was believed
/// of it, since the number may come round as anything. Keeps errno.
void forget_if_closed(int descriptor) noexcept;

/// `copy` now means the same description as `original`.
void duplicated(int original, int copy) noexcept;

/// The program set or cleared O_NONBLOCK on a description: notes it for all its numbers.
void set_nonblocking(int descriptor, bool nonblocking) noexcept;

/// Calls `change(Descriptor&)` for every number that means the same description.
template <class Change>
void for_each_alias(int descriptor, Change change) noexcept;

/// SO_RCVTIMEO or SO_SNDTIMEO in nanoseconds, as the kernel takes it: 0 and what is beyond the
/// clock's range mean none, a negative time means at once.
std::int64_t nanoseconds_of_timeout(const timeval& time) noexcept;

/// The kind of a socket that socket(2) made with these arguments.
DescriptorKind socket_kind(int domain, int type, int protocol) noexcept;

}  // namespace descriptor_table

template <class Change>
void descriptor_table::for_each_alias(int descriptor, Change change) noexcept {
  int number = descriptor;
  do {
    Descriptor* entry = find(number);
    if (entry == nullptr) return;
    change(*entry);
    const int next = entry->next_alias.load(std::memory_order_relaxed);
    number = next == 0 ? descriptor : next - 1;
  } while (number != descriptor);
}

}  // namespace colibri
