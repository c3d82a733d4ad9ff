// What a piece of a test writes to standard error.
#pragma once

#include <string>

namespace colibri::test {

/// While it lives, descriptor 2 leads to a file in memory.
class [[nodiscard]] CapturedStderr {
 public:
  CapturedStderr();
  ~CapturedStderr();
  CapturedStderr(const CapturedStderr&) = delete;
  CapturedStderr& operator=(const CapturedStderr&) = delete;

  /// All that was written so far.
  std::string text() const;

 private:
  int file_;
  int saved_;
};

/// What `body` writes to standard error.
template <class Body>
std::string stderr_of(Body&& body) {
  const CapturedStderr captured;
  body();
  return captured.text();
}

}  // namespace colibri::test
