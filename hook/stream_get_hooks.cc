// Functions of stdio that take bytes from a stream; their unlocked forms lock a stream of ours,
// too, since coroutines take turns where a single thread would not.
#include <stdio.h>

#include "colibri/hook/blocking_call.h"
#include "colibri/hook/stream.h"

extern "C" {
size_t __fread_chk(void* buffer, size_t room, size_t size, size_t count, FILE* stream);
size_t __fread_unlocked_chk(void* buffer, size_t room, size_t size, size_t count, FILE* stream);
char* __fgets_chk(char* buffer, size_t room, int size, FILE* stream);
char* __fgets_unlocked_chk(char* buffer, size_t room, int size, FILE* stream);
}

namespace colibri {
namespace {

constinit RealFunction real_fread{"fread", ::fread};
constinit RealFunction real_fread_unlocked{"fread_unlocked", ::fread_unlocked};
constinit RealFunction real_fread_chk{"__fread_chk", ::__fread_chk};
constinit RealFunction real_fread_unlocked_chk{"__fread_unlocked_chk", ::__fread_unlocked_chk};
constinit RealFunction real_fgets{"fgets", ::fgets};
constinit RealFunction real_fgets_unlocked{"fgets_unlocked", ::fgets_unlocked};
constinit RealFunction real_fgets_chk{"__fgets_chk", ::__fgets_chk};
constinit RealFunction real_fgets_unlocked_chk{"__fgets_unlocked_chk", ::__fgets_unlocked_chk};
constinit RealFunction real_getc{"getc", ::getc};
constinit RealFunction real_getc_unlocked{"getc_unlocked", ::getc_unlocked};
constinit RealFunction real_uflow{"__uflow", ::__uflow};
constinit RealFunction real_ungetc{"ungetc", ::ungetc};
constinit RealFunction real_getdelim{"getdelim", ::getdelim};
constinit RealFunction real_getw{"getw", ::getw};

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

size_t fread(void* buffer, size_t size, size_t count, FILE* stream) {
  return in_stream(real_fread, stream, buffer, size, count, stream);
}

size_t fread_unlocked(void* buffer, size_t size, size_t count, FILE* stream) {
  return in_stream(real_fread_unlocked, stream, buffer, size, count, stream);
}

size_t __fread_chk(void* buffer, size_t room, size_t size, size_t count, FILE* stream) {
  return in_stream(real_fread_chk, stream, buffer, room, size, count, stream);
}

size_t __fread_unlocked_chk(void* buffer, size_t room, size_t size, size_t count, FILE* stream) {
  return in_stream(real_fread_unlocked_chk, stream, buffer, room, size, count, stream);
}

char* fgets(char* buffer, int size, FILE* stream) {
  return in_stream(real_fgets, stream, buffer, size, stream);
}

char* fgets_unlocked(char* buffer, int size, FILE* stream) {
  return in_stream(real_fgets_unlocked, stream, buffer, size, stream);
}

char* __fgets_chk(char* buffer, size_t room, int size, FILE* stream) {
  return in_stream(real_fgets_chk, stream, buffer, room, size, stream);
}

char* __fgets_unlocked_chk(char* buffer, size_t room, int size, FILE* stream) {
  return in_stream(real_fgets_unlocked_chk, stream, buffer, room, size, stream);
}

int getc(FILE* stream) {
  return in_stream(real_getc, stream, stream);
}

int fgetc(FILE* stream) {
  return getc(stream);
}

int getc_unlocked(FILE* stream) {
  return in_stream(real_getc_unlocked, stream, stream);
}

int fgetc_unlocked(FILE* stream) {
  return getc_unlocked(stream);
}

/// What getc_unlocked calls inline when the buffer is empty.
int __uflow(FILE* stream) {
  return in_stream(real_uflow, stream, stream);
}

int ungetc(int byte, FILE* stream) {
  return in_stream(real_ungetc, stream, byte, stream);
}

ssize_t getdelim(char** line, size_t* room, int delimiter, FILE* stream) {
  return in_stream(real_getdelim, stream, line, room, delimiter, stream);
}

ssize_t getline(char** line, size_t* room, FILE* stream) {
  return getdelim(line, room, '\n', stream);
}

int getw(FILE* stream) {
  return in_stream(real_getw, stream, stream);
}

}  // extern "C"
