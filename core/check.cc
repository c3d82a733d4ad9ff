#include "colibri/core/check.h"

#include <sys/uio.h>

#include <cstdlib>

#include "colibri/core/last_words.h"
#include "colibri/core/libc.h"

namespace colibri {

constinit std::atomic<void (*)() noexcept> before_last_words{nullptr};

void fail_with(std::initializer_list<std::string_view> parts) noexcept {
  constexpr int kMaxPieces = 16;
  iovec pieces[kMaxPieces];
  int count = 0;
  const auto add = [&](std::string_view text) {
    if (count < kMaxPieces) pieces[count++] = {const_cast<char*>(text.data()), text.size()};
  };
  add("colibri: ");
  for (std::string_view part : parts) add(part);
  add("\n");
  prepare_last_words();
  // One call, so that lines of several processes do not mix. Nothing can be done if it fails.
  [[maybe_unused]] ssize_t written = real::writev(2, pieces, count);
  std::abort();
}

}  // namespace colibri
