// Bytes as PROXY headers: where one ends does not depend on how it comes, and what is refused is
// refused at a place within it.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "colibri/net/proxy_header.h"
#include "test/fuzz/expect.h"

using colibri::find_proxy_header;
using colibri::parse_proxy_header;
using colibri::ProxyHeaderError;
using colibri::ProxyHeaderExtent;
using colibri::test::expect;

namespace {

constexpr std::size_t kMostBytes = 1024;

/// The header that `bytes` begin with as one sees it who gets them piece by piece: its size; 0: it
/// is not complete. Throws ProxyHeaderError.
std::size_t size_piece_by_piece(std::string_view bytes) {
  for (std::size_t known = 1; known <= bytes.size(); ++known) {
    const ProxyHeaderExtent extent = find_proxy_header(bytes.substr(0, known), kMostBytes);
    if (!extent.is_complete) continue;
    expect(extent.size <= known, "a complete header is there");
    return extent.size;
  }
  return 0;
}

/// The same for one who gets all at once.
std::size_t size_at_once(std::string_view bytes) {
  const ProxyHeaderExtent extent = find_proxy_header(bytes, kMostBytes);
  return extent.is_complete ? extent.size : 0;
}

void expect_a_place_within(const ProxyHeaderError& error, std::size_t size) {
  expect(error.position() <= size, "the place lies within the bytes");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  bool refused = false;
  std::size_t header = 0;
  try {
    header = size_piece_by_piece(bytes);
  } catch (const ProxyHeaderError& error) {
    expect_a_place_within(error, size);
    refused = true;
  }
  try {
    const std::size_t whole = size == 0 ? 0 : size_at_once(bytes);
    expect(refused || whole == header, "its end does not depend on how it comes");
    if (header != 0) parse_proxy_header(bytes.substr(0, header));
  } catch (const ProxyHeaderError& error) {
    expect_a_place_within(error, size);
  }
  return 0;
}
