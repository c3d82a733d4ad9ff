// Reading addresses, for address.h.
#pragma once

#include <string_view>

#include "colibri/net/address.h"

namespace colibri {

/// The address that `text` says. Throws AddressError, which knows the place. Any thread.
Address read_address(std::string_view text);

/// inet_pton for a text that need not end with a null byte, and is none if it has one in it. False
/// if it is none. Any thread.
bool read_host(int family, std::string_view text, void* host);

}  // namespace colibri
