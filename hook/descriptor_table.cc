#include "colibri/hook/descriptor_table.h"

#include <netinet/in.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "colibri/core/closing_descriptor.h"
#include "colibri/core/event_loop.h"
#include "colibri/core/libc.h"
#include "colibri/core/small_lock.h"

/// Read by vfork's assembly.
extern "C" {
[[gnu::visibility("hidden")]] constinit thread_local int colibri_vfork_depth = 0;
}

namespace colibri::descriptor_table {

constinit DescriptorMap<Descriptor> descriptors;

namespace {

constinit SmallLock alias_lock;

int socket_option(int descriptor, int option, int otherwise) noexcept {
  int value = 0;
  socklen_t size = sizeof value;
  const int result = real::getsockopt(descriptor, SOL_SOCKET, option, &value, &size);
  return result == 0 ? value : otherwise;
}

std::int64_t socket_timeout(int descriptor, int option) noexcept {
  timeval time{};
  socklen_t size = sizeof time;
  if (real::getsockopt(descriptor, SOL_SOCKET, option, &time, &size) != 0) return 0;
  return nanoseconds_of_timeout(time);
}

DescriptorKind ask_kind(int descriptor) noexcept {
  struct stat status {};
  if (fstat(descriptor, &status) != 0) return DescriptorKind::kUnknown;
  switch (status.st_mode & S_IFMT) {
    case S_IFSOCK:
      return socket_kind(socket_option(descriptor, SO_DOMAIN, AF_UNSPEC),
                         socket_option(descriptor, SO_TYPE, SOCK_RAW),
                         socket_option(descriptor, SO_PROTOCOL, 0));
    case S_IFIFO:
      return DescriptorKind::kPipe;
    case S_IFREG:
    case S_IFDIR:
    case S_IFBLK:
      return DescriptorKind::kFile;
    default:
      return DescriptorKind::kPollable;
  }
}

void reset(Descriptor& entry) noexcept {
  entry.user_nonblocking.store(false, std::memory_order_relaxed);
  entry.our_nonblocking.store(false, std::memory_order_relaxed);
  entry.receive_low_water.store(0, std::memory_order_relaxed);
  entry.receive_timeout.store(0, std::memory_order_relaxed);
  entry.send_timeout.store(0, std::memory_order_relaxed);
  entry.kind.store(DescriptorKind::kUnknown, std::memory_order_relaxed);
  entry.life.fetch_add(1, std::memory_order_release);
}

void copy(const Descriptor& from, Descriptor& to) noexcept {
  to.user_nonblocking.store(from.user_nonblocking);
  to.our_nonblocking.store(from.our_nonblocking);
  to.receive_low_water.store(from.receive_low_water);
  to.receive_timeout.store(from.receive_timeout);
  to.send_timeout.store(from.send_timeout);
  to.kind.store(from.kind);
}

/// Takes `number` out of the ring of those that mean the same description.
void leave_ring(int number, Descriptor& entry) noexcept {
  if (entry.next_alias.load(std::memory_order_relaxed) == 0) return;
  const SmallLockGuard guard(alias_lock);
  const int next = entry.next_alias.load();
  if (next == 0) return;
  int before = next - 1;
  while (descriptors.find(before)->next_alias.load() != number + 1) {
    before = descriptors.find(before)->next_alias.load() - 1;
  }
  descriptors.find(before)->next_alias.store(before == next - 1 ? 0 : next);
  entry.next_alias.store(0);
}

/// `number` loses its meaning.
void forget(int number) noexcept {
  if (colibri_vfork_depth != 0) return;
  Descriptor* entry = descriptors.find(number);
  if (entry == nullptr) return;
  leave_ring(number, *entry);
  reset(*entry);
}

/// Net closes descriptors, too, and the program may have told the hooks of them.
[[gnu::constructor]] void listen_to_closes() noexcept {
  set_closing_listener(forget);
}

/// `number` begins a new life.
Descriptor* renew(int number) noexcept {
  if (colibri_vfork_depth != 0) return nullptr;
  Descriptor* entry = descriptors.find_or_create(number);
  if (entry == nullptr) return nullptr;
  leave_ring(number, *entry);
  reset(*entry);
  // A registration under this number belongs to a descriptor that was closed behind our back.
  EventLoop::detach_everywhere(number);
  return entry;
}

}  // namespace

bool is_of_another_process() noexcept {
  return colibri_vfork_depth != 0;
}

int set_vfork_depth(int depth) noexcept {
  return depth - std::exchange(colibri_vfork_depth, depth);
}

DescriptorKind socket_kind(int domain, int type, int protocol) noexcept {
  if ((type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) != SOCK_STREAM) {
    return DescriptorKind::kMessageSocket;
  }
  const bool internet = domain == AF_INET || domain == AF_INET6;
  return internet && (protocol == 0 || protocol == IPPROTO_TCP) ? DescriptorKind::kTcp
                                                                : DescriptorKind::kStreamSocket;
}

std::int64_t nanoseconds_of_timeout(const timeval& time) noexcept {
  constexpr std::int64_t kMostSeconds = 9'000'000'000;
  if (time.tv_sec < 0) return 1;
  if (time.tv_sec > kMostSeconds) return 0;
  return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_usec * std::int64_t{1'000};
}

Descriptor* learn(int descriptor) noexcept {
  const int saved_errno = errno;
  const int flags = real::fcntl(descriptor, F_GETFL);
  if (flags < 0 || colibri_vfork_depth != 0) return nullptr;
  Descriptor* entry = descriptors.find_or_create(descriptor);
  if (entry == nullptr) return nullptr;
  const DescriptorKind kind = ask_kind(descriptor);
  entry->user_nonblocking.store((flags & O_NONBLOCK) != 0);
  if (kind == DescriptorKind::kTcp || kind == DescriptorKind::kStreamSocket ||
      kind == DescriptorKind::kMessageSocket) {
    entry->receive_timeout.store(socket_timeout(descriptor, SO_RCVTIMEO));
    entry->send_timeout.store(socket_timeout(descriptor, SO_SNDTIMEO));
    entry->receive_low_water.store(socket_option(descriptor, SO_RCVLOWAT, 1));
  }
  entry->kind.store(kind, std::memory_order_release);
  errno = saved_errno;
  return entry;
}

Descriptor* opened(int descriptor, DescriptorKind kind, bool nonblocking) noexcept {
  Descriptor* entry = renew(descriptor);
  if (entry == nullptr) return nullptr;
  entry->user_nonblocking.store(nonblocking, std::memory_order_relaxed);
  entry->kind.store(kind, std::memory_order_release);
  return entry;
}

void accepted(int descriptor, const Descriptor& listener, bool nonblocking) noexcept {
  Descriptor* entry = renew(descriptor);
  if (entry == nullptr) return;
  copy(listener, *entry);
  entry->our_nonblocking.store(false);
  entry->user_nonblocking.store(nonblocking);
}

void closing(int descriptor) noexcept {
  if (colibri_vfork_depth == 0) tell_closing(descriptor);
}

void forget_if_closed(int descriptor) noexcept {
  const int saved_errno = errno;
  Descriptor* entry = descriptors.find(descriptor);
  // Not if it is open, and only the wrong way round: its copies are to stay in step.
  if (entry != nullptr && real::fcntl(descriptor, F_GETFD) < 0) {
    leave_ring(descriptor, *entry);
    reset(*entry);
  }
  errno = saved_errno;
}

unsigned end_of_numbers() noexcept {
  return std::max(descriptors.end(), EventLoop::end_of_numbers());
}

void closed(int descriptor) noexcept {
  if (colibri_vfork_depth == 0) EventLoop::closed_everywhere(descriptor);
}

void duplicated(int original, int copy_number) noexcept {
  const int saved_errno = errno;
  Descriptor* to = renew(copy_number);
  Descriptor* from = look_up(original);
  if (from != nullptr && to != nullptr) {
    const SmallLockGuard guard(alias_lock);
    const int next = from->next_alias.load();
    to->next_alias.store(next == 0 ? original + 1 : next);
    from->next_alias.store(copy_number + 1);
    copy(*from, *to);
  }
  errno = saved_errno;
}

void set_nonblocking(int descriptor, bool nonblocking) noexcept {
  if (colibri_vfork_depth != 0) return;
  for_each_alias(descriptor, [nonblocking](Descriptor& entry) {
    entry.user_nonblocking.store(nonblocking, std::memory_order_relaxed);
  });
}

}  // namespace colibri::descriptor_table
