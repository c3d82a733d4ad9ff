// open, openat, creat and fopen, with their 64-bit and fortified forms. What they open may bear the
// number of something that was closed behind the hooks' back.
//
// The opening of a FIFO waits for whoever opens its other end, perhaps for ever. A helper thread
// that waited for it could not be called back: it would stay, and what a late writer writes would
// go to it and be lost. So the end is opened without waiting and looked at in pauses, since no
// event tells. All else is opened at once.
#include <stdio.h>
#include <sys/stat.h>

#include <cstdarg>
#include <utility>

#include "colibri/hook/blocking_call.h"
#include "colibri/hook/stream.h"

extern "C" {
int __open_2(const char* path, int flags);
int __open64_2(const char* path, int flags);
int __openat_2(int folder, const char* path, int flags);
int __openat64_2(int folder, const char* path, int flags);
}

namespace colibri {
namespace {

constinit RealFunction real_checked_openat{"__openat_2", ::__openat_2};
constinit RealFunction real_fopen{"fopen64", ::fopen64};

bool is_fifo(int folder, const char* path) noexcept {
  struct stat64 about {};
  const int saved_errno = errno;
  const bool found = fstatat64(folder, path, &about, 0) == 0;
  errno = saved_errno;
  return found && S_ISFIFO(about.st_mode);
}

/// A descriptor of the scope's, which closes it unless it is taken.
class OwnNumber {
 public:
  explicit OwnNumber(int number) noexcept : number_(number) {}
  ~OwnNumber() {
    const int saved_errno = errno;
    if (number_ >= 0) real::close(number_);
    errno = saved_errno;
  }
  OwnNumber(const OwnNumber&) = delete;
  OwnNumber& operator=(const OwnNumber&) = delete;

  int get() const noexcept { return number_; }
  int take() noexcept { return std::exchange(number_, -1); }

 private:
  int number_;
};

/// True once somebody has opened the FIFO of `reader` to write. `room` writes to an empty pipe.
bool has_had_writer(int reader, int room) noexcept {
  // Bytes, or a writer that has gone again.
  if (is_ready(reader, POLLIN)) return true;
  // Takes nothing out of the FIFO, and has only with a writer something to wait for.
  return tee(reader, room, 1, SPLICE_F_NONBLOCK) != 0;
}

/// `is_open()` looks once more. True when it says so; false, with errno, when the wait ended early.
template <class Look>
bool look_in_pauses(Look is_open) {
  GrowingPause pause(std::chrono::milliseconds(1), std::chrono::milliseconds(20));
  while (!is_open()) {
    const WakeReason reason =
        thread_state.scheduler->park({.deadline = pause.begin(), .interruptible = true});
    if (reason == WakeReason::kTimeout) continue;
    // A writer that has got through must find its reader.
    return is_open() || fail_with_errno(error_of(reason)) == 0;
  }
  return true;
}

/// Makes a descriptor what the program's flags say, where it was opened without waiting.
int finish_opening(OwnNumber& file, int flags) noexcept {
  const int now = real::fcntl(file.get(), F_GETFL);
  if (now < 0 || real::fcntl(file.get(), F_SETFL, now & ~O_NONBLOCK) != 0) return -1;
  if ((flags & O_CLOEXEC) == 0) real::fcntl(file.get(), F_SETFD, 0);
  return file.take();
}

int open_to_read(int folder, const char* path, int flags, mode_t mode) {
  int room[2];
  if (real::pipe2(room, O_CLOEXEC) != 0) return -1;
  const OwnNumber out(room[0]);
  const OwnNumber in(room[1]);
  OwnNumber file(real::openat(folder, path, flags | O_NONBLOCK | O_CLOEXEC, mode));
  if (file.get() < 0) return -1;
  if (!look_in_pauses([&] { return has_had_writer(file.get(), in.get()); })) return -1;
  return finish_opening(file, flags);
}

int open_to_write(int folder, const char* path, int flags, mode_t mode) {
  int number = -1;
  // ENXIO: nobody reads yet.
  const bool opened = look_in_pauses([&] {
    number = real::openat(folder, path, flags | O_NONBLOCK | O_CLOEXEC, mode);
    return number >= 0 || errno != ENXIO;
  });
  OwnNumber file(number);
  return opened && number >= 0 ? finish_opening(file, flags) : -1;
}

int open_fifo(int folder, const char* path, int flags, mode_t mode) {
  const KeptErrno kept;
  if (!may_begin()) return -1;
  const auto open_end = (flags & O_ACCMODE) == O_RDONLY ? &open_to_read : &open_to_write;
  return static_cast<int>(kept(open_end(folder, path, flags, mode)));
}

int hooked_open(int folder, const char* path, int flags, mode_t mode) {
  const bool may_wait = (flags & (O_NONBLOCK | O_PATH | O_DIRECTORY)) == 0 &&
                        (flags & O_ACCMODE) != O_RDWR && parkable_coroutine() != nullptr;
  const int number = may_wait && is_fifo(folder, path)
                         ? open_fifo(folder, path, flags, mode)
                         : pass_through([&] { return real::openat(folder, path, flags, mode); });
  if (number >= 0) descriptor_table::closing(number);
  return number;
}

bool has_mode(int flags) noexcept {
  return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

/// The mode, which follows the flags only where they create a file.
mode_t take_mode(int flags, va_list rest) noexcept {
  return has_mode(flags) ? va_arg(rest, mode_t) : 0;
}

FILE* open_fifo_stream(const char* path, const StreamMode& mode) {
  const int number = hooked_open(AT_FDCWD, path, mode.open_flags() | O_LARGEFILE, 0666);
  if (number < 0) return nullptr;
  const char text[] = {mode.kind, mode.updates ? '+' : '\0', '\0'};
  FILE* stream = fdopen(number, text);
  if (stream == nullptr) close(number);
  return stream;
}

FILE* hooked_fopen(const char* path, const char* text) {
  StreamMode mode;
  const bool opens_fifo =
      parkable_coroutine() != nullptr && StreamMode::parse(text, mode) && is_fifo(AT_FDCWD, path);
  if (opens_fifo) return open_fifo_stream(path, mode);
  FILE* stream = real_fopen(path, text);
  if (stream != nullptr) {
    descriptor_table::closing(fileno_unlocked(stream));
  } else {
    give_way_if_failed(-1);
  }
  return stream;
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int openat(int folder, const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const int result = hooked_open(folder, path, flags, take_mode(flags, rest));
  va_end(rest);
  return result;
}

int openat64(int folder, const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const int result = hooked_open(folder, path, flags | O_LARGEFILE, take_mode(flags, rest));
  va_end(rest);
  return result;
}

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const int result = hooked_open(AT_FDCWD, path, flags, take_mode(flags, rest));
  va_end(rest);
  return result;
}

int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const int result = hooked_open(AT_FDCWD, path, flags | O_LARGEFILE, take_mode(flags, rest));
  va_end(rest);
  return result;
}

// libc exports open and open64 under these names, too.

int __open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const int result = hooked_open(AT_FDCWD, path, flags, take_mode(flags, rest));
  va_end(rest);
  return result;
}

int __open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const int result = hooked_open(AT_FDCWD, path, flags | O_LARGEFILE, take_mode(flags, rest));
  va_end(rest);
  return result;
}

int creat(const char* path, mode_t mode) {
  return hooked_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

int creat64(const char* path, mode_t mode) {
  return creat(path, mode);
}

FILE* fopen(const char* path, const char* mode) {
  return hooked_fopen(path, mode);
}

FILE* fopen64(const char* path, const char* mode) {
  return hooked_fopen(path, mode);
}

// What programs built with _FORTIFY_SOURCE call when they give no mode. libc ends the process if
// one is needed.

int __openat_2(int folder, const char* path, int flags) {
  return has_mode(flags) ? real_checked_openat(folder, path, flags)
                         : hooked_open(folder, path, flags, 0);
}

int __openat64_2(int folder, const char* path, int flags) {
  return __openat_2(folder, path, flags | O_LARGEFILE);
}

int __open_2(const char* path, int flags) {
  return __openat_2(AT_FDCWD, path, flags);
}

int __open64_2(const char* path, int flags) {
  return __openat_2(AT_FDCWD, path, flags | O_LARGEFILE);
}

}  // extern "C"
