// Reading addresses, for address.h.
#pragma once

#include <string_view>

#include "colibri/net/address.h"

namespace colibri {

/// The address that `text` says. Throws AddressError, which knows the place. Any thread.
Address read_address(std::string_view text);

}  // namespace colibri
