// libc's other names of the functions of stdio that are hooked, as programs call them that were
// built with an older libc. Each goes by the hook of the usual name.
#include <stdio.h>

#include <cstdarg>

extern "C" {
// The name of C89, which the headers turn into that of C99.
int colibri_vfscanf(FILE* stream, const char* format, va_list arguments) __asm__("vfscanf");

int _IO_fclose(FILE* stream) {
  return fclose(stream);
}

FILE* _IO_fdopen(int fd, const char* mode) {
  return fdopen(fd, mode);
}

int _IO_fflush(FILE* stream) {
  return fflush(stream);
}

char* _IO_fgets(char* buffer, int size, FILE* stream) {
  return fgets(buffer, size, stream);
}

void _IO_flockfile(FILE* stream) {
  flockfile(stream);
}

FILE* _IO_fopen(const char* path, const char* mode) {
  return fopen(path, mode);
}

int _IO_fprintf(FILE* stream, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int result = vfprintf(stream, format, arguments);
  va_end(arguments);
  return result;
}

int _IO_fputs(const char* text, FILE* stream) {
  return fputs(text, stream);
}

size_t _IO_fread(void* buffer, size_t size, size_t count, FILE* stream) {
  return fread(buffer, size, count, stream);
}

int _IO_ftrylockfile(FILE* stream) {
  return ftrylockfile(stream);
}

void _IO_funlockfile(FILE* stream) {
  funlockfile(stream);
}

size_t _IO_fwrite(const void* buffer, size_t size, size_t count, FILE* stream) {
  return fwrite(buffer, size, count, stream);
}

int _IO_getc(FILE* stream) {
  return getc(stream);
}

FILE* _IO_popen(const char* command, const char* mode) {
  return popen(command, mode);
}

int _IO_putc(int byte, FILE* stream) {
  return putc(byte, stream);
}

void _IO_setbuffer(FILE* stream, char* buffer, size_t size) {
  setbuffer(stream, buffer, size);
}

int _IO_setvbuf(FILE* stream, char* buffer, int kind, size_t size) {
  return setvbuf(stream, buffer, kind, size);
}

int _IO_ungetc(int byte, FILE* stream) {
  return ungetc(byte, stream);
}

int _IO_vfprintf(FILE* stream, const char* format, va_list arguments) {
  return vfprintf(stream, format, arguments);
}

ssize_t __getdelim(char** line, size_t* room, int delimiter, FILE* stream) {
  return getdelim(line, room, delimiter, stream);
}

int __vfscanf(FILE* stream, const char* format, va_list arguments) {
  return colibri_vfscanf(stream, format, arguments);
}

}  // extern "C"
