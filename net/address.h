// Address: where a socket is, or is to be.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace colibri {

/// A text that is no address. what() quotes it and says what is wrong where.
class AddressError : public std::invalid_argument {
 public:
  /// Of `text`, which goes wrong at `position`.
  AddressError(std::string_view text, std::size_t position, std::string_view problem);

  /// Where in the text it goes wrong, counted from 0; the text's size for its end.
  std::size_t position() const noexcept { return position_; }

 private:
  std::size_t position_;
};

/// An IPv4 or IPv6 address with a port, or the name of a Unix socket. A value; any thread.
///
///   127.0.0.1:7777   [::1]:7777   [fe80::1%eth0]:7777   unix:/run/x.sock   `unix:@abstract`
///
/// Names of hosts are no addresses: a Resolver finds theirs.
class Address {
 public:
  /// What it is an address of.
  enum class Family { kIPv4, kIPv6, kUnix };

  /// Reads a text of the forms above. Throws AddressError. Implicit, so that wherever an address is
  /// wanted, its text may stand.
  Address(std::string_view text);  // NOLINT(google-explicit-constructor)
  Address(const char* text) : Address(std::string_view(text)) {}
  Address(const std::string& text) : Address(std::string_view(text)) {}

  /// What the kernel says of a socket. Throws std::invalid_argument for other families.
  Address(const sockaddr* address, socklen_t size);

  /// Every address of this machine.
  static Address any_ipv4(std::uint16_t port) noexcept;
  static Address any_ipv6(std::uint16_t port) noexcept;
  /// This machine alone.
  static Address loopback_ipv4(std::uint16_t port) noexcept;
  static Address loopback_ipv6(std::uint16_t port) noexcept;
  static Address ipv4(in_addr host, std::uint16_t port) noexcept;
  static Address ipv6(const in6_addr& host, std::uint16_t port, std::uint32_t zone = 0) noexcept;
  /// A Unix socket's path; an abstract name if it begins with '@'; without a name if it is empty,
  /// as that of most clients. Throws std::invalid_argument if it is longer than 107 bytes or has a
  /// null byte in it.
  static Address unix_socket(std::string_view path);

  /// What it is an address of.
  Family family() const noexcept;
  bool is_unix() const noexcept { return family() == Family::kUnix; }
  /// 0 for Unix sockets.
  std::uint16_t port() const noexcept;
  /// The same host with another port; no effect on Unix sockets.
  Address with_port(std::uint16_t port) const noexcept;
  /// The name of a Unix socket as unix_socket takes it; empty for others.
  std::string path() const;

  /// The text that reads as this address.
  std::string to_string() const;

  /// As the system calls want it.
  const sockaddr* data() const noexcept { return &name_.any; }
  socklen_t size() const noexcept { return size_; }

  friend bool operator==(const Address& left, const Address& right) noexcept;

 private:
  Address() noexcept = default;

  union Name {
    sockaddr_un local;  // the largest, so that all is zero at first
    sockaddr any;
    sockaddr_in ipv4;
    sockaddr_in6 ipv6;
  };
  Name name_{};
  socklen_t size_ = 0;
};

}  // namespace colibri
