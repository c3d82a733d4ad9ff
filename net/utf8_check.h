// Utf8Check: whether bytes that come in pieces are UTF-8.
#pragma once

#include <cstdint>
#include <string_view>

namespace colibri::net_detail {

/// A value. RFC 3629: nothing longer than needed, no surrogates, nothing above U+10FFFF.
class Utf8Check {
 public:
  /// False, and of no more use, as soon as no continuation could make it good.
  bool add(std::string_view piece) noexcept;
  /// No character has begun and not ended.
  bool is_complete() const noexcept { return missing_ == 0; }

 private:
  bool begin_character(std::uint8_t byte) noexcept;

  int missing_ = 0;  // bytes of the character that has begun
  // What the next of them may be: the first is where overlong forms and surrogates show.
  std::uint8_t least_ = 0x80;
  std::uint8_t most_ = 0xbf;
};

}  // namespace colibri::net_detail
