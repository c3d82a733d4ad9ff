// Errors of net: std::system_error whose text says what was done, and to whom.
#pragma once

#include <string_view>

#include "colibri/net/address.h"

namespace colibri::net_detail {

/// Throws std::system_error with `error`, an errno value: "connect to 127.0.0.1:7777: Connection
/// refused".
[[noreturn]] void throw_error(int error, std::string_view what, const Address& whom);
[[noreturn]] void throw_error(int error, std::string_view what);

}  // namespace colibri::net_detail
