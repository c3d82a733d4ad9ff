// pread, pwrite, fsync, fdatasync, and the locks of files: flock, lockf (and fcntl, from its own
// hook).
//
// A lock is tried again in pauses. A thread that waited for it in the kernel could not be called
// back: it might get the lock after its call was given up, and so take away by its release what
// the same description has got meanwhile.
#include <sys/file.h>
#include <sys/uio.h>
#include <unistd.h>

#include "colibri/hook/file_call.h"
#include "colibri/hook/file_lock.h"

namespace colibri {
namespace {

constinit RealFunction real_fsync{"fsync", ::fsync};
constinit RealFunction real_fdatasync{"fdatasync", ::fdatasync};
constinit RealFunction real_flock{"flock", ::flock};
constinit RealFunction real_lockf{"lockf64", ::lockf64};

ssize_t hooked_pread(int number, void* buffer, std::size_t size, off64_t offset) {
  if (offset >= 0 && size != 0 && is_file_that_may_wait(number)) {
    return read_file(number, buffer, size, offset);
  }
  return pass_through([&] { return real::pread64(number, buffer, size, offset); });
}

ssize_t hooked_pwrite(int number, const void* buffer, std::size_t size, off64_t offset) {
  if (offset >= 0 && size != 0 && is_file_that_may_wait(number)) {
    return write_file(number, buffer, size, offset);
  }
  return pass_through([&] { return real::pwrite64(number, buffer, size, offset); });
}

int hooked_sync(const RealFunction<int(int)>& real, int number) {
  if (!is_file_that_may_wait(number)) return pass_through([&] { return real(number); });
  if (!may_begin()) return -1;
  return static_cast<int>(on_file_helper(number, [&real, number] { return real(number); }));
}

}  // namespace

int lock_in_pauses(int number, int (*attempt)(int, int, void*, off64_t), int command,
                   void* argument, off64_t size) {
  const KeptErrno kept;
  if (!may_begin()) return -1;
  GrowingPause pause(std::chrono::milliseconds(1), std::chrono::milliseconds(20));
  for (;;) {
    const int result = attempt(number, command, argument, size);
    if (result == 0 || (errno != EAGAIN && errno != EACCES)) {
      return static_cast<int>(kept(result));
    }
    // As a reader of the file, so that those who look inside see what for.
    const WakeReason reason = thread_state.scheduler->park(
        {.deadline = pause.begin(), .descriptor = number, .interruptible = true});
    if (reason != WakeReason::kTimeout) return fail_with_errno(error_of(reason));
  }
}

}  // namespace colibri

using namespace colibri;

extern "C" {

/// libc's: reports the overflow and ends the process.
[[noreturn]] void __chk_fail();

ssize_t pread(int fd, void* buffer, size_t size, off_t offset) {
  return hooked_pread(fd, buffer, size, offset);
}

ssize_t pread64(int fd, void* buffer, size_t size, off64_t offset) {
  return hooked_pread(fd, buffer, size, offset);
}

ssize_t pwrite(int fd, const void* buffer, size_t size, off_t offset) {
  return hooked_pwrite(fd, buffer, size, offset);
}

ssize_t pwrite64(int fd, const void* buffer, size_t size, off64_t offset) {
  return hooked_pwrite(fd, buffer, size, offset);
}

ssize_t __pread_chk(int fd, void* buffer, size_t size, off_t offset, size_t room) {
  if (size > room) __chk_fail();
  return hooked_pread(fd, buffer, size, offset);
}

ssize_t __pread64_chk(int fd, void* buffer, size_t size, off64_t offset, size_t room) {
  if (size > room) __chk_fail();
  return hooked_pread(fd, buffer, size, offset);
}

int fsync(int fd) {
  return hooked_sync(real_fsync, fd);
}

int fdatasync(int fd) {
  return hooked_sync(real_fdatasync, fd);
}

int flock(int fd, int operation) noexcept {
  const bool waits = (operation & (LOCK_SH | LOCK_EX)) != 0 && (operation & LOCK_NB) == 0;
  if (!waits || parkable_coroutine() == nullptr) {
    return pass_through([&] { return real_flock(fd, operation); });
  }
  return lock_in_pauses(
      fd, [](int number, int how, void*, off64_t) { return real_flock(number, how | LOCK_NB); },
      operation, nullptr, 0);
}

int lockf64(int fd, int command, off64_t size) {
  if (command != F_LOCK || parkable_coroutine() == nullptr) {
    return pass_through([&] { return real_lockf(fd, command, size); });
  }
  return lock_in_pauses(
      fd, [](int number, int, void*, off64_t room) { return real_lockf(number, F_TLOCK, room); },
      command, nullptr, size);
}

int lockf(int fd, int command, off_t size) {
  return lockf64(fd, command, size);
}

}  // extern "C"
