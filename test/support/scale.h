// How large tests are: what takes a second without instruments takes minutes under some.
#pragma once

#include <cstddef>

#include "colibri/core/sanitizer.h"

namespace colibri::test {

/// True while the process runs under Valgrind.
bool in_valgrind() noexcept;

/// `full` without instruments; the other sizes under AddressSanitizer and ThreadSanitizer. Valgrind
/// gets the smallest of the three.
std::size_t scaled(std::size_t full, std::size_t address, std::size_t thread) noexcept;

/// A number of coroutines that are alive at once. ThreadSanitizer dies above some 7,000.
inline std::size_t many_coroutines() noexcept {
  return scaled(10'000, 2'000, 500);
}

/// `full` operations, a fifth of them under sanitizers, a hundredth under Valgrind.
std::size_t many_operations(std::size_t full) noexcept;

}  // namespace colibri::test
