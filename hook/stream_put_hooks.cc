// Functions of stdio that put bytes into a stream; see stream_get_hooks.cc.
#include <stdio.h>

#include "colibri/hook/blocking_call.h"
#include "colibri/hook/stream.h"

namespace colibri {
namespace {

constinit RealFunction real_fwrite{"fwrite", ::fwrite};
constinit RealFunction real_fwrite_unlocked{"fwrite_unlocked", ::fwrite_unlocked};
constinit RealFunction real_fputs{"fputs", ::fputs};
constinit RealFunction real_fputs_unlocked{"fputs_unlocked", ::fputs_unlocked};
constinit RealFunction real_putc{"putc", ::putc};
constinit RealFunction real_putc_unlocked{"putc_unlocked", ::putc_unlocked};
constinit RealFunction real_overflow{"__overflow", ::__overflow};
constinit RealFunction real_putw{"putw", ::putw};

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

size_t fwrite(const void* buffer, size_t size, size_t count, FILE* stream) {
  return in_stream(real_fwrite, stream, buffer, size, count, stream);
}

size_t fwrite_unlocked(const void* buffer, size_t size, size_t count, FILE* stream) {
  return in_stream(real_fwrite_unlocked, stream, buffer, size, count, stream);
}

int fputs(const char* text, FILE* stream) {
  return in_stream(real_fputs, stream, text, stream);
}

int fputs_unlocked(const char* text, FILE* stream) {
  return in_stream(real_fputs_unlocked, stream, text, stream);
}

int putc(int byte, FILE* stream) {
  return in_stream(real_putc, stream, byte, stream);
}

int fputc(int byte, FILE* stream) {
  return putc(byte, stream);
}

int putc_unlocked(int byte, FILE* stream) {
  return in_stream(real_putc_unlocked, stream, byte, stream);
}

int fputc_unlocked(int byte, FILE* stream) {
  return putc_unlocked(byte, stream);
}

/// What putc_unlocked calls inline when the buffer is full.
int __overflow(FILE* stream, int byte) {
  return in_stream(real_overflow, stream, stream, byte);
}

int putw(int word, FILE* stream) {
  return in_stream(real_putw, stream, word, stream);
}

}  // extern "C"
