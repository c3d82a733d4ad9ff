#include "colibri/net/utf8_check.h"

namespace colibri::net_detail {

bool Utf8Check::add(std::string_view piece) noexcept {
  for (const char c : piece) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (missing_ == 0) {
      if (byte >= 0x80 && !begin_character(byte)) return false;
      continue;
    }
    if (byte < least_ || byte > most_) return false;
    --missing_;
    least_ = 0x80;
    most_ = 0xbf;
  }
  return true;
}

bool Utf8Check::begin_character(std::uint8_t byte) noexcept {
  if (byte >= 0xc2 && byte <= 0xdf) {
    missing_ = 1;
  } else if (byte >= 0xe0 && byte <= 0xef) {
    missing_ = 2;
    if (byte == 0xe0) least_ = 0xa0;  // below: it would fit into two bytes
    if (byte == 0xed) most_ = 0x9f;   // above: surrogates
  } else if (byte >= 0xf0 && byte <= 0xf4) {
    missing_ = 3;
    if (byte == 0xf0) least_ = 0x90;  // below: it would fit into three
    if (byte == 0xf4) most_ = 0x8f;   // above: no character of Unicode
  } else {
    return false;
  }
  return true;
}

}  // namespace colibri::net_detail
