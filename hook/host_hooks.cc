// gethostbyname, gethostbyname2, gethostbyaddr and their kin that are given a buffer.
#include <netdb.h>

#include "colibri/hook/record_call.h"

namespace colibri {
namespace {

constinit RealFunction real_by_name{"gethostbyname", ::gethostbyname};
constinit RealFunction real_by_name2{"gethostbyname2", ::gethostbyname2};
constinit RealFunction real_by_address{"gethostbyaddr", ::gethostbyaddr};
constinit RealFunction real_by_name_r{"gethostbyname_r", ::gethostbyname_r};
constinit RealFunction real_by_name2_r{"gethostbyname2_r", ::gethostbyname2_r};
constinit RealFunction real_by_address_r{"gethostbyaddr_r", ::gethostbyaddr_r};

CoroutineLocal<KeptRecord<hostent>> kept_host;

void relocate_host(hostent& host, const MirroredBuffer& from, char* to) {
  from.relocate(host.h_name, to);
  from.relocate_all(host.h_aliases, to);
  from.relocate_all(host.h_addr_list, to);
}

/// As look_up_kept. Its kin sets h_errno, but without memory it is not called.
template <class Call>
hostent* look_up_host(Call call) {
  hostent* const host = look_up_kept(kept_host, call);
  if (host == nullptr && errno == ENOMEM) h_errno = NETDB_INTERNAL;
  return host;
}

}  // namespace
}  // namespace colibri

using namespace colibri;

extern "C" {

int gethostbyname_r(const char* name, hostent* host, char* buffer, size_t size, hostent** found,
                    int* host_error) {
  if (parkable_coroutine() == nullptr) {
    return real_by_name_r(name, host, buffer, size, found, host_error);
  }
  const auto look_up = [name] {
    return
        [copy = std::string(name)](auto... rest) { return real_by_name_r(copy.c_str(), rest...); };
  };
  return look_up_record(host, buffer, size, found, host_error, look_up, &relocate_host);
}

int gethostbyname2_r(const char* name, int family, hostent* host, char* buffer, size_t size,
                     hostent** found, int* host_error) {
  if (parkable_coroutine() == nullptr) {
    return real_by_name2_r(name, family, host, buffer, size, found, host_error);
  }
  const auto look_up = [name, family] {
    return [copy = std::string(name), family](auto... rest) {
      return real_by_name2_r(copy.c_str(), family, rest...);
    };
  };
  return look_up_record(host, buffer, size, found, host_error, look_up, &relocate_host);
}

int gethostbyaddr_r(const void* address, socklen_t address_size, int family, hostent* host,
                    char* buffer, size_t size, hostent** found, int* host_error) {
  if (parkable_coroutine() == nullptr) {
    return real_by_address_r(address, address_size, family, host, buffer, size, found, host_error);
  }
  const auto* const bytes = static_cast<const char*>(address);
  const auto look_up = [bytes, address_size, family] {
    return [copy = std::string(bytes, address_size), family](auto... rest) {
      return real_by_address_r(copy.data(), static_cast<socklen_t>(copy.size()), family, rest...);
    };
  };
  return look_up_record(host, buffer, size, found, host_error, look_up, &relocate_host);
}

hostent* gethostbyname(const char* name) {
  if (parkable_coroutine() == nullptr) return real_by_name(name);
  return look_up_host([name](auto... rest) { return gethostbyname_r(name, rest..., &h_errno); });
}

hostent* gethostbyname2(const char* name, int family) {
  if (parkable_coroutine() == nullptr) return real_by_name2(name, family);
  return look_up_host(
      [name, family](auto... rest) { return gethostbyname2_r(name, family, rest..., &h_errno); });
}

hostent* gethostbyaddr(const void* address, socklen_t size, int family) {
  if (parkable_coroutine() == nullptr) return real_by_address(address, size, family);
  return look_up_host(
      [=](auto... rest) { return gethostbyaddr_r(address, size, family, rest..., &h_errno); });
}

}  // extern "C"
