#include "colibri/net/tls_error.h"

#include <openssl/err.h>

#include <cerrno>
#include <system_error>

#include "colibri/net/net_error.h"

namespace colibri::net_detail {

std::string take_tls_error() {
  // The first is the cause; what follows says where that came up.
  const unsigned long error = ERR_get_error();
  ERR_clear_error();
  if (error == 0) return "no reason was given";
  if (ERR_SYSTEM_ERROR(error)) return std::generic_category().message(ERR_GET_REASON(error));
  const char* reason = ERR_reason_error_string(error);
  return reason != nullptr ? reason : "error " + std::to_string(error) + " of OpenSSL";
}

void throw_tls_error(const std::string& what) {
  throw_error(EPROTO, what + ": " + take_tls_error());
}

}  // namespace colibri::net_detail
