// What makes streams of ours and what is done with a whole one: fdopen, fflush, buffers, positions,
// locks. fclose and freopen are in descriptor_range_hooks.cc, popen and pclose in system_hooks.cc.
#include <stdio.h>
#include <stdio_ext.h>

#include "colibri/hook/blocking_call.h"
#include "colibri/hook/stream.h"

namespace colibri {
namespace {

constinit RealFunction real_fdopen{"fdopen", ::fdopen};
constinit RealFunction real_fflush{"fflush", ::fflush};
constinit RealFunction real_setvbuf{"setvbuf", ::setvbuf};
constinit RealFunction real_fseek{"fseek", ::fseek};
constinit RealFunction real_fseeko{"fseeko64", ::fseeko64};
constinit RealFunction real_rewind{"rewind", ::rewind};
constinit RealFunction real_clearerr{"clearerr", ::clearerr};
constinit RealFunction real_flockfile{"flockfile", ::flockfile};
constinit RealFunction real_ftrylockfile{"ftrylockfile", ::ftrylockfile};
constinit RealFunction real_funlockfile{"funlockfile", ::funlockfile};
constinit RealFunction real_fsetlocking{"__fsetlocking", ::__fsetlocking};

/// True for a socket or a pipe.
bool may_keep_waiting(int number) noexcept {
  const Descriptor* descriptor = descriptor_table::look_up(number);
  return descriptor != nullptr &&
         (descriptor->is_socket() ||
          descriptor->kind.load(std::memory_order_relaxed) == DescriptorKind::kPipe);
}

/// Whether the description was opened for what the mode wants to do.
bool permits(int flags, const StreamMode& mode) noexcept {
  const int access = flags & O_ACCMODE;
  return !(access == O_RDONLY && mode.writes()) && !(access == O_WRONLY && mode.reads());
}

/// A stream of ours for fdopen. Null: libc is to make one, or to say what is wrong.
FILE* open_ours(int number, const char* text) noexcept {
  StreamMode mode;
  if (parkable_coroutine() == nullptr || !StreamMode::parse(text, mode)) return nullptr;
  if (!may_keep_waiting(number)) return nullptr;
  const int flags = real::fcntl(number, F_GETFL);
  if (flags < 0 || !permits(flags, mode)) return nullptr;
  FILE* stream = Stream::open(number, mode, nullptr);
  const bool must_append = stream != nullptr && mode.kind == 'a' && (flags & O_APPEND) == 0;
  if (must_append) real::fcntl(number, F_SETFL, flags | O_APPEND);
  return stream;
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

FILE* fdopen(int fd, const char* mode) noexcept {
  const int saved_errno = errno;
  FILE* stream = open_ours(fd, mode);
  errno = saved_errno;
  return stream != nullptr ? stream : real_fdopen(fd, mode);
}

int fflush(FILE* stream) {
  if (stream != nullptr) return in_stream(real_fflush, stream, stream);
  const int ours = Stream::flush_all();
  const int saved_errno = errno;
  const int others = real_fflush(nullptr);
  if (ours != 0) errno = saved_errno;
  return ours != 0 ? ours : others;
}

int fflush_unlocked(FILE* stream) {
  return fflush(stream);
}

int setvbuf(FILE* stream, char* buffer, int kind, size_t size) noexcept {
  return in_stream(real_setvbuf, stream, stream, buffer, kind, size);
}

void setbuf(FILE* stream, char* buffer) noexcept {
  setbuffer(stream, buffer, BUFSIZ);
}

void setbuffer(FILE* stream, char* buffer, size_t size) noexcept {
  setvbuf(stream, buffer, buffer != nullptr ? _IOFBF : _IONBF, size);
}

void setlinebuf(FILE* stream) noexcept {
  setvbuf(stream, nullptr, _IOLBF, 0);
}

// On sockets and pipes these fail, but they write what is buffered first.

int fseek(FILE* stream, long offset, int whence) {
  return in_stream(real_fseek, stream, stream, offset, whence);
}

int fseeko64(FILE* stream, off64_t offset, int whence) {
  return in_stream(real_fseeko, stream, stream, offset, whence);
}

int fseeko(FILE* stream, off_t offset, int whence) {
  return fseeko64(stream, offset, whence);
}

void rewind(FILE* stream) {
  in_stream(real_rewind, stream, stream);
}

void clearerr(FILE* stream) noexcept {
  in_stream(real_clearerr, stream, stream);
}

void flockfile(FILE* stream) noexcept {
  if (Stream* ours = Stream::find(stream)) return ours->lock();
  real_flockfile(stream);
}

int ftrylockfile(FILE* stream) noexcept {
  if (Stream* ours = Stream::find(stream)) return ours->try_lock() ? 0 : EBUSY;
  return real_ftrylockfile(stream);
}

void funlockfile(FILE* stream) noexcept {
  if (Stream* ours = Stream::find(stream)) return ours->unlock();
  real_funlockfile(stream);
}

/// Ours stay locked by us, which harms nobody who locks himself, too.
int __fsetlocking(FILE* stream, int kind) noexcept {
  return Stream::find(stream) != nullptr ? FSETLOCKING_INTERNAL : real_fsetlocking(stream, kind);
}

}  // extern "C"
