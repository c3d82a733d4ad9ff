#include "colibri/core/unwinder.h"

#define UNW_LOCAL_ONLY
#include <libunwind.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "colibri/core/libc.h"

// libc's clone under the name that sanitizers leave alone: they would take the other process for a
// fork with a memory of its own.
extern "C" int __clone(int (*function)(void*), void* stack, int flags, void* argument, ...);

namespace colibri {
namespace {

struct Moved {
  std::uintptr_t address = 0;
  std::size_t size = 0;
  const std::byte* copy = nullptr;

  bool has_word(std::uintptr_t wanted) const noexcept {
    return wanted >= address && wanted - address < size &&
           size - (wanted - address) >= sizeof(unw_word_t);
  }
};

constinit thread_local Moved moved;

/// Reads a word of this process; false if there is none at `address`.
bool read_word(unw_word_t address, unw_word_t& value) noexcept {
  const int saved_errno = errno;
  const iovec to{&value, sizeof value};
  const iovec from{reinterpret_cast<void*>(address), sizeof value};
  bool read = process_vm_readv(getpid(), &to, 1, &from, 1, 0) == sizeof value;
  if (!read && (errno == ENOSYS || errno == EPERM)) {
    // A sandbox forbids the call. The word will be there: stacks that are whole are the rule.
    std::memcpy(&value, from.iov_base, sizeof value);
    read = true;
  }
  errno = saved_errno;
  return read;
}

/// What libunwind calls for every word of a stack.
int access_word(unw_addr_space_t, unw_word_t address, unw_word_t* value, int write, void*) {
  if (write != 0) {
    std::memcpy(reinterpret_cast<void*>(address), value, sizeof *value);
    return 0;
  }
  if (moved.has_word(address)) {
    std::memcpy(value, moved.copy + (address - moved.address), sizeof *value);
    return 0;
  }
  return read_word(address, *value) ? 0 : -UNW_EUNSPEC;
}

/// Lets libunwind initialise itself, which opens its pipe, in a process that shares our memory but
/// not our descriptors: the pipe is gone when that process is. The calling thread waits meanwhile.
/// Without effect where that cannot be had (emulators make an ordinary fork of it): the pipe then
/// stays open, and unused.
void initialise_without_descriptors() noexcept {
  constexpr std::size_t kStackBytes = 64 * 1024;
  void* stack = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) return;
  // The program's signal handlers must not run in the other process.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  real::pthread_sigmask(SIG_BLOCK, &all, &before);
  const auto initialise = [](void*) -> int {
    unw_get_accessors(unw_local_addr_space);
    return 0;
  };
  // Without a signal at its end, neither SIGCHLD nor the program's own wait() hears of it.
  constexpr int kWaitForClone = static_cast<int>(__WCLONE);
  const int child = __clone(initialise, static_cast<std::byte*>(stack) + kStackBytes,
                            CLONE_VM | CLONE_VFORK, nullptr);
  if (child > 0) real::waitpid(child, nullptr, kWaitForClone);
  real::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  munmap(stack, kStackBytes);
}

}  // namespace

void prepare_unwinder() noexcept {
  static const bool prepared = [] {
    const int saved_errno = errno;
    initialise_without_descriptors();
    std::atomic_ref(unw_get_accessors(unw_local_addr_space)->access_mem).store(&access_word);
    errno = saved_errno;
    return true;
  }();
  static_cast<void>(prepared);
}

MovedStack::MovedStack(std::uintptr_t address, std::size_t size, const std::byte* copy) noexcept {
  moved = {address, size, copy};
}

MovedStack::~MovedStack() {
  moved = {};
}

}  // namespace colibri
