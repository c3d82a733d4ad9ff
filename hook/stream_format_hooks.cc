// The printf and scanf families on streams, and dprintf.
//
// libc's dprintf writes by a call of its own. So what may have to wait is laid out in memory, and
// goes by the hooked write.
#include <stdio.h>
#include <stdlib.h>

#include <cstdarg>
#include <memory>

#include "colibri/hook/blocking_call.h"
#include "colibri/hook/file_call.h"
#include "colibri/hook/stream.h"

extern "C" {
int __vfprintf_chk(FILE* stream, int flag, const char* format, va_list arguments);
int __vdprintf_chk(int fd, int flag, const char* format, va_list arguments);
int __vasprintf_chk(char** text, int flag, const char* format, va_list arguments);
int __isoc99_vfscanf(FILE* stream, const char* format, va_list arguments);
// The names of C89, which the headers turn into those of C99.
int colibri_fscanf(FILE* stream, const char* format, ...) __asm__("fscanf");
int colibri_vfscanf(FILE* stream, const char* format, va_list arguments) __asm__("vfscanf");
}

namespace colibri {
namespace {

// By get(): a va_list is no plain argument.
constinit RealFunction real_vfprintf{"vfprintf", ::vfprintf};
constinit RealFunction real_vfprintf_chk{"__vfprintf_chk", ::__vfprintf_chk};
constinit RealFunction real_vdprintf{"vdprintf", ::vdprintf};
constinit RealFunction real_vdprintf_chk{"__vdprintf_chk", ::__vdprintf_chk};
constinit RealFunction real_vfscanf{"vfscanf", ::colibri_vfscanf};
constinit RealFunction real_isoc99_vfscanf{"__isoc99_vfscanf", ::__isoc99_vfscanf};

/// Writes `size` bytes, as often as it takes. False with errno if that fails.
bool write_all(int number, const char* bytes, std::size_t size) {
  for (std::size_t done = 0; done < size;) {
    const ssize_t moved = write(number, bytes + done, size - done);
    if (moved < 0) return false;
    done += static_cast<std::size_t>(moved);
  }
  return true;
}

/// dprintf: `format(&text)` lays it out as vasprintf does; `plain()` is libc's.
template <class Format, class Plain>
int print_to(int number, Format format, Plain plain) {
  if (parkable_descriptor(number) == nullptr && !is_file_that_may_wait(number)) {
    return pass_through(plain);
  }
  char* laid_out = nullptr;
  const int size = format(&laid_out);
  if (size < 0) return size;
  const std::unique_ptr<char, decltype(&free)> text(laid_out, &free);
  return write_all(number, text.get(), static_cast<std::size_t>(size)) ? size : -1;
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int vfprintf(FILE* stream, const char* format, va_list arguments) {
  const StreamScope scope(stream);
  return real_vfprintf.get()(stream, format, arguments);
}

int __vfprintf_chk(FILE* stream, int flag, const char* format, va_list arguments) {
  const StreamScope scope(stream);
  return real_vfprintf_chk.get()(stream, flag, format, arguments);
}

int fprintf(FILE* stream, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int result = vfprintf(stream, format, arguments);
  va_end(arguments);
  return result;
}

int __fprintf_chk(FILE* stream, int flag, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int result = __vfprintf_chk(stream, flag, format, arguments);
  va_end(arguments);
  return result;
}

int colibri_vfscanf(FILE* stream, const char* format, va_list arguments) {
  const StreamScope scope(stream);
  return real_vfscanf.get()(stream, format, arguments);
}

int colibri_fscanf(FILE* stream, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int result = colibri_vfscanf(stream, format, arguments);
  va_end(arguments);
  return result;
}

int __isoc99_vfscanf(FILE* stream, const char* format, va_list arguments) {
  const StreamScope scope(stream);
  return real_isoc99_vfscanf.get()(stream, format, arguments);
}

int __isoc99_fscanf(FILE* stream, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int result = __isoc99_vfscanf(stream, format, arguments);
  va_end(arguments);
  return result;
}

int vdprintf(int fd, const char* format, va_list arguments) {
  return print_to(
      fd, [&](char** text) { return vasprintf(text, format, arguments); },
      [&] { return real_vdprintf.get()(fd, format, arguments); });
}

int __vdprintf_chk(int fd, int flag, const char* format, va_list arguments) {
  return print_to(
      fd, [&](char** text) { return __vasprintf_chk(text, flag, format, arguments); },
      [&] { return real_vdprintf_chk.get()(fd, flag, format, arguments); });
}

int dprintf(int fd, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int result = vdprintf(fd, format, arguments);
  va_end(arguments);
  return result;
}

int __dprintf_chk(int fd, int flag, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int result = __vdprintf_chk(fd, flag, format, arguments);
  va_end(arguments);
  return result;
}

}  // extern "C"
