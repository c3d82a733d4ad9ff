// Texts as addresses: what is read is written as a text that reads the same, and what is refused is
// refused at a place within the text.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "colibri/net/address.h"
#include "test/fuzz/expect.h"

using colibri::Address;
using colibri::test::expect;

namespace {

void expect_stable(const Address& address) {
  const std::string text = address.to_string();
  expect(Address(text) == address, "the text of an address reads as that address");
  expect(Address(address.data(), address.size()) == address, "so do the kernel's bytes of it");
  expect(address.with_port(address.port()) == address, "its own port changes nothing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    expect_stable(Address(text));
  } catch (const colibri::AddressError& error) {
    expect(error.position() <= size, "the place lies within the text");
    expect(error.what()[0] != '\0', "the error says something");
  }
  return 0;
}
