// A shared library that calls read and knows nothing of colibri.
#include <unistd.h>

extern "C" ssize_t read_from_library(int descriptor, void* buffer, size_t size) {
  return read(descriptor, buffer, size);
}
