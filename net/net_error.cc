#include "colibri/net/net_error.h"

#include <string>
#include <system_error>

namespace colibri::net_detail {

void throw_error(int error, std::string_view what) {
  throw std::system_error(error, std::generic_category(), std::string(what));
}

void throw_error(int error, std::string_view what, const Address& whom) {
  throw_error(error, std::string(what) + ' ' + whom.to_string());
}

}  // namespace colibri::net_detail
