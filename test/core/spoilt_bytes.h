// Whether a frame's bytes are afterwards what they were before.
#pragma once

#include <alloca.h>

#include <cstddef>

namespace colibri::test {

/// Fills `size` bytes of its own frame with what only this `seed` gives, calls `pause`, and counts
/// the bytes that are different afterwards.
template <class Pause>
[[gnu::noinline]] std::size_t spoilt_bytes(unsigned seed, std::size_t size, Pause pause) {
  auto* bytes = static_cast<volatile unsigned char*>(alloca(size));
  const auto expected = [seed](std::size_t i) {
    return static_cast<unsigned char>(seed * 31 + i * 7 + (i >> 8));
  };
  for (std::size_t i = 0; i < size; ++i) bytes[i] = expected(i);
  pause();
  std::size_t spoilt = 0;
  for (std::size_t i = 0; i < size; ++i) spoilt += bytes[i] != expected(i);
  return spoilt;
}

}  // namespace colibri::test
