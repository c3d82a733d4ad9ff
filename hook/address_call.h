// getaddrinfo as a helper thread makes it.
#pragma once

#include <netdb.h>

#include "colibri/hook/name_call.h"

namespace colibri {

/// What a lookup that could not be made, or was given up, returns for that error. Sets errno.
inline int refuse_lookup(int error) noexcept {
  errno = error;
  return error == ENOMEM ? EAI_MEMORY : EAI_SYSTEM;
}

/// One lookup: a HelperCall.
class AddressCall final : public HelperCall {
 public:
  static constinit inline RealFunction real_getaddrinfo{"getaddrinfo", ::getaddrinfo};

  /// Copies what it is given. Throws std::bad_alloc.
  AddressCall(const char* host, const char* service, const addrinfo* hints)
      : host_(host), service_(service), has_hints_(hints != nullptr) {
    if (has_hints_) hints_ = *hints;
  }
  void run() noexcept override {
    errno = error;
    result = real_getaddrinfo(host_.get(), service_.get(), has_hints_ ? &hints_ : nullptr, &list);
    error = errno;
  }
  void discard() noexcept override {
    if (result == 0) freeaddrinfo(list);
  }

  void describe(std::span<char> text) const noexcept override {
    describe_call(text, "getaddrinfo", host_.get() != nullptr ? host_.get() : service_.get());
  }

  int result = 0;
  int error = errno;         // the caller's, then the call's
  addrinfo* list = nullptr;  // the caller's, once the call is done and has not been given up

 private:
  const OptionalString host_;
  const OptionalString service_;
  const bool has_hints_;
  addrinfo hints_{};
};

}  // namespace colibri
