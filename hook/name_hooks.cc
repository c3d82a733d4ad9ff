// getaddrinfo and getnameinfo.
#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>

#include "colibri/hook/address_call.h"
#include "colibri/hook/counted_call.h"

namespace colibri {
namespace {

constinit RealFunction real_getnameinfo{"getnameinfo", ::getnameinfo};

bool is_number(const char* service) noexcept {
  return *service != '\0' && std::all_of(service, service + std::strlen(service),
                                         [](char each) { return each >= '0' && each <= '9'; });
}

bool is_address(const char* host) noexcept {
  in6_addr address;
  return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

/// True where libc has nothing to look up: it reads an address, or refuses what is none.
bool needs_no_lookup(const char* host, const char* service, const addrinfo* hints) noexcept {
  const int flags = hints != nullptr ? hints->ai_flags : 0;
  if (service != nullptr && !is_number(service) && (flags & AI_NUMERICSERV) == 0) return false;
  return host == nullptr || (flags & AI_NUMERICHOST) != 0 || is_address(host);
}

int look_up_addresses(const char* host, const char* service, const addrinfo* hints,
                      addrinfo** list) {
  std::shared_ptr<AddressCall> call;
  if (const int error = run_new_by_name_helper(WaitTerms(), call, host, service, hints);
      error != 0) {
    return refuse_lookup(error);
  }
  errno = call->error;
  if (call->result == 0) *list = call->list;
  return call->result;
}

class NameCall final : public HelperCall {
 public:
  NameCall(const sockaddr* address, socklen_t size, std::size_t host_room, std::size_t service_room,
           int flags)
      : host(host_room), service(service_room), size_(size), flags_(flags) {
    std::memcpy(&address_, address, size);
  }
  void run() noexcept override {
    errno = error;
    result = real_getnameinfo(reinterpret_cast<const sockaddr*>(&address_), size_, data(host),
                              static_cast<socklen_t>(host.size()), data(service),
                              static_cast<socklen_t>(service.size()), flags_);
    error = errno;
  }

  void describe(std::span<char> text) const noexcept override {
    describe_call(text, "getnameinfo", nullptr);
  }

  int result = 0;
  int error = errno;  // the caller's, then the call's
  std::vector<char> host;
  std::vector<char> service;

 private:
  static char* data(std::vector<char>& room) noexcept {
    return room.empty() ? nullptr : room.data();
  }
  sockaddr_storage address_{};
  const socklen_t size_;
  const int flags_;
};

void hand_over(const std::vector<char>& text, char* room) noexcept {
  if (!text.empty()) std::memcpy(room, text.data(), std::strlen(text.data()) + 1);
}

/// Rooms that are larger than any name are mirrored in part.
std::size_t room_of(const char* buffer, socklen_t size) noexcept {
  return buffer == nullptr ? 0 : std::min<std::size_t>(size, 65536);
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int getaddrinfo(const char* host, const char* service, const addrinfo* hints, addrinfo** list) {
  if (parkable_coroutine() == nullptr || needs_no_lookup(host, service, hints)) {
    return AddressCall::real_getaddrinfo(host, service, hints, list);
  }
  return counted<"getaddrinfo">(&look_up_addresses, host, service, hints, list);
}

int getnameinfo(const sockaddr* address, socklen_t size, char* host, socklen_t host_size,
                char* service, socklen_t service_size, int flags) {
  const std::size_t host_room = room_of(host, host_size);
  const std::size_t service_room = room_of(service, service_size);
  const bool looks_up = (host_room != 0 && (flags & NI_NUMERICHOST) == 0) ||
                        (service_room != 0 && (flags & NI_NUMERICSERV) == 0);
  if (parkable_coroutine() == nullptr || !looks_up || address == nullptr ||
      size > sizeof(sockaddr_storage)) {
    return real_getnameinfo(address, size, host, host_size, service, service_size, flags);
  }
  std::shared_ptr<NameCall> call;
  if (const int error =
          run_new_by_name_helper(WaitTerms(), call, address, size, host_room, service_room, flags);
      error != 0) {
    return refuse_lookup(error);
  }
  errno = call->error;
  if (call->result == 0) {
    hand_over(call->host, host);
    hand_over(call->service, service);
  }
  return call->result;
}

}  // extern "C"
