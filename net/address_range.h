// AddressRange: hosts that are meant together, such as those of one network.
#pragma once

#include <netinet/in.h>

#include <string_view>

#include "colibri/net/address.h"

namespace colibri {

/// One host, or all whose addresses begin with the same bits. A value; any thread.
///
///   127.0.0.1   10.0.0.0/8   ::1   fd00::/8   0.0.0.0/0 (IPv4)   ::/0 (all)
class AddressRange {
 public:
  /// Reads a text of the forms above. Throws AddressError, also for bits behind the prefix: it may
  /// be a mistake in either. Implicit, as Address is.
  AddressRange(std::string_view text);  // NOLINT(google-explicit-constructor)
  AddressRange(const char* text) : AddressRange(std::string_view(text)) {}
  AddressRange(const std::string& text) : AddressRange(std::string_view(text)) {}

  /// Ports and zones do not count. An IPv4 host is the same when a listener of IPv6 sees it, mapped
  /// into IPv6. Unix sockets are in no range.
  bool contains(const Address& address) const noexcept;

 private:
  in6_addr first_{};  // IPv4 in the form that IPv6 has for it
  int bits_;
};

}  // namespace colibri
