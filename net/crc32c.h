// CRC32c, the checksum of RFC 4960, appendix B (Castagnoli's polynomial).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace colibri::net_detail {

/// What each value of a byte does to the checksum.
constexpr std::array<std::uint32_t, 256> make_crc32c_steps() noexcept {
  constexpr std::uint32_t kPolynomial = 0x82f63b78;  // lowest bit first, as it is sent
  std::array<std::uint32_t, 256> steps{};
  for (std::uint32_t byte = 0; byte < steps.size(); ++byte) {
    std::uint32_t step = byte;
    for (int bit = 0; bit < 8; ++bit) step = step >> 1 ^ ((step & 1) != 0 ? kPolynomial : 0);
    steps[byte] = step;
  }
  return steps;
}

/// The checksum of `bytes`. Any thread.
constexpr std::uint32_t crc32c(std::string_view bytes) noexcept {
  constexpr std::array<std::uint32_t, 256> kSteps = make_crc32c_steps();
  std::uint32_t sum = 0xffffffff;
  for (const char each : bytes) {
    sum = sum >> 8 ^ kSteps[(sum ^ static_cast<unsigned char>(each)) & 0xff];
  }
  return ~sum;
}

}  // namespace colibri::net_detail
