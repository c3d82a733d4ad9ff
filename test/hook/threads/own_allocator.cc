// A program that knows nothing of colibri, with an allocator in it that keeps books for each
// thread.
#include <cstddef>
#include <cstdio>

extern "C" void* __libc_malloc(std::size_t size);

namespace {
thread_local std::size_t allocated = 0;
}

extern "C" void* malloc(std::size_t size) {
  allocated += size;
  return __libc_malloc(size);
}

int main() {
  std::puts(allocated != 0 ? "counted" : "not counted");
}
