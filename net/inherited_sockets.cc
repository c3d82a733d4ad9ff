#include "colibri/net/inherited_sockets.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "colibri/core/libc.h"

namespace colibri {
namespace {

constexpr int kFirstDescriptor = 3;
constexpr long kMostDescriptors = 1024;

std::optional<long> number_in(const char* text) noexcept {
  if (text == nullptr) return std::nullopt;
  const std::string_view view(text);
  long number = 0;
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), number);
  if (error != std::errc() || end != view.data() + view.size()) return std::nullopt;
  return number;
}

/// The next of several names with colons between them; takes it off.
std::string take_name(std::string_view& names) {
  const std::size_t end = std::min(names.find(':'), names.size());
  std::string name(names.substr(0, end));
  names.remove_prefix(std::min(end + 1, names.size()));
  return name;
}

}  // namespace

std::vector<InheritedSocket> take_inherited_sockets() {
  const std::optional<long> process = number_in(std::getenv("LISTEN_PID"));
  const char* const count_text = std::getenv("LISTEN_FDS");
  if (process != getpid() || count_text == nullptr) return {};
  const std::optional<long> count = number_in(count_text);
  const char* const names_text = std::getenv("LISTEN_FDNAMES");
  const std::string all_names = names_text != nullptr ? names_text : "";
  unsetenv("LISTEN_PID");
  unsetenv("LISTEN_FDS");
  unsetenv("LISTEN_FDNAMES");
  if (!count || *count < 0 || *count > kMostDescriptors) {
    throw std::invalid_argument("LISTEN_FDS is no number of descriptors");
  }
  std::vector<InheritedSocket> sockets;
  std::string_view names = all_names;
  for (int number = kFirstDescriptor; number < kFirstDescriptor + *count; ++number) {
    if (real::fcntl(number, F_SETFD, FD_CLOEXEC) != 0) {
      throw std::invalid_argument("LISTEN_FDS names descriptor " + std::to_string(number) +
                                  ", which is not open");
    }
    sockets.push_back({OwnedDescriptor(number), take_name(names)});
  }
  return sockets;
}

}  // namespace colibri
