// Certificates for a test, made when it begins, in files that are gone when it ends.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "colibri/net/tls_context.h"

namespace colibri::test {

/// An authority of one's own.
class TestAuthority {
 public:
  TestAuthority();
  ~TestAuthority();
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;

  /// Its own certificate, for those who believe it.
  std::string file() const;
  /// A certificate for `name`, a host or an IPv4 address, valid from now on for so many seconds;
  /// negative: since long ago, until so many seconds ago.
  TlsCertificate issue(const std::string& name, long seconds = 3600) const;
  /// A file with this text in it.
  std::string write(const std::string& text) const;

 private:
  struct Keys;
  std::string new_path() const;

  const std::filesystem::path folder_;
  const std::unique_ptr<Keys> keys_;
  mutable int files_ = 0;
};

}  // namespace colibri::test
