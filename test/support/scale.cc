#include "test/support/scale.h"

#include <algorithm>

namespace colibri::test {

bool in_valgrind() noexcept {
  return kRunsOnValgrind;
}

std::size_t scaled(std::size_t full, std::size_t address, std::size_t thread) noexcept {
  if (kAddressSanitizer) return address;
  if (kThreadSanitizer) return thread;
  return in_valgrind() ? std::min({full, address, thread}) : full;
}

std::size_t many_operations(std::size_t full) noexcept {
  if (in_valgrind()) return full / 100;
  return scaled(full, full / 5, full / 5);
}

}  // namespace colibri::test
