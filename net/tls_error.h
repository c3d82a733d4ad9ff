// Errors of OpenSSL in words.
#pragma once

#include <string>

namespace colibri::net_detail {

/// What OpenSSL has noted of the failure on this thread; empties the notes.
std::string take_tls_error();

/// Throws std::system_error (protocol_error): `what`, and what OpenSSL says of it.
[[noreturn]] void throw_tls_error(const std::string& what);

}  // namespace colibri::net_detail
