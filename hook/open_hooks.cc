// open, openat, creat and fopen, with their 64-bit and fortified forms. What they open may bear the
// number of something that was closed behind the hooks' back.
//
// The opening of a FIFO waits for whoever opens its other end, perhaps for ever, so a helper thread
// of its own does it. All else is opened at once.
#include <stdio.h>
#include <sys/stat.h>

#include <cstdarg>
#include <memory>
#include <string>

#include "colibri/core/helper_call.h"
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

constinit RealFunction real_openat{"openat", ::openat};
constinit RealFunction real_checked_openat{"__openat_2", ::__openat_2};
constinit RealFunction real_fopen{"fopen64", ::fopen64};

bool is_fifo(int folder, const char* path) noexcept {
  struct stat64 about {};
  const int saved_errno = errno;
  const bool found = fstatat64(folder, path, &about, 0) == 0;
  errno = saved_errno;
  return found && S_ISFIFO(about.st_mode);
}

/// An opening whose descriptor, if it comes too late, is closed again.
class OpenCall final : public HelperCall {
 public:
  OpenCall(int folder, const char* path, int flags, mode_t mode)
      : folder_(folder), path_(path), flags_(flags), mode_(mode) {}
  void run() noexcept override {
    number = real_openat(folder_, path_.c_str(), flags_, mode_);
    error = errno;
  }
  void discard() noexcept override {
    if (number >= 0) real::close(number);
  }

  int number = -1;
  int error = 0;

 private:
  const int folder_;
  const std::string path_;
  const int flags_;
  const mode_t mode_;
};

int open_fifo(int folder, const char* path, int flags, mode_t mode) {
  if (!may_begin()) return -1;
  std::shared_ptr<OpenCall> call;
  try {
    call = std::make_shared<OpenCall>(folder, path, flags, mode);
  } catch (const std::bad_alloc&) {
    return fail_with_errno(ENOMEM);
  }
  const WakeReason reason = run_on_helper(call, HelperSet::kUnbounded, {.interruptible = true});
  if (reason != WakeReason::kFired) return fail_with_errno(error_of(reason));
  return call->number >= 0 ? call->number : fail_with_errno(call->error);
}

int hooked_open(int folder, const char* path, int flags, mode_t mode) {
  const bool may_wait = (flags & (O_NONBLOCK | O_PATH | O_DIRECTORY)) == 0 &&
                        (flags & O_ACCMODE) != O_RDWR && parkable_coroutine() != nullptr;
  const int number = may_wait && is_fifo(folder, path) ? open_fifo(folder, path, flags, mode)
                                                       : real_openat(folder, path, flags, mode);
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
  const int number = open_fifo(AT_FDCWD, path, mode.open_flags() | O_LARGEFILE, 0666);
  if (number < 0) return nullptr;
  descriptor_table::closing(number);
  const char text[] = {mode.kind, mode.updates ? '+' : '\0', '\0'};
  return fdopen(number, text);
}

FILE* hooked_fopen(const char* path, const char* text) {
  StreamMode mode;
  const bool opens_fifo =
      parkable_coroutine() != nullptr && StreamMode::parse(text, mode) && is_fifo(AT_FDCWD, path);
  if (opens_fifo) return open_fifo_stream(path, mode);
  FILE* stream = real_fopen(path, text);
  if (stream != nullptr) descriptor_table::closing(fileno_unlocked(stream));
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
