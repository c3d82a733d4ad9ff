#include "colibri/core/signal_text.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "colibri/core/libc.h"

namespace colibri {
namespace {

/// "N3abc3defE…" is abc::def, "3abc…" is abc. Returns false, with something written, where the
/// mangled name has more to it: templates, operators, lambdas.
bool add_plain_name(SignalText& text, std::string_view mangled) noexcept {
  const bool nested = mangled.starts_with('N');
  if (nested) mangled.remove_prefix(1);
  for (bool first = true;; first = false) {
    std::size_t length = 0;
    const char* end = mangled.data() + mangled.size();
    const auto [rest, error] = std::from_chars(mangled.data(), end, length);
    const auto left = static_cast<std::size_t>(end - rest);
    if (error != std::errc() || length > left) return false;
    const std::string_view name(rest, length);
    text.add(first ? "" : "::").add(name == "_GLOBAL__N_1" ? "(anonymous namespace)" : name);
    mangled = {rest + length, left - length};
    if (!nested) return !mangled.starts_with('I') && !mangled.starts_with('B');
    if (mangled.starts_with('E')) return true;
  }
}

}  // namespace

SignalText& SignalText::add(std::string_view text) noexcept {
  const std::size_t count = std::min(text.size(), sizeof bytes_ - size_);
  std::memcpy(bytes_ + size_, text.data(), count);
  size_ += count;
  return *this;
}

SignalText& SignalText::add_number(std::uint64_t number) noexcept {
  char digits[24];
  const auto result = std::to_chars(digits, digits + sizeof digits, number);
  return add({digits, static_cast<std::size_t>(result.ptr - digits)});
}

SignalText& SignalText::add_hexadecimal(std::uint64_t number) noexcept {
  char digits[24];
  const auto result = std::to_chars(digits, digits + sizeof digits, number, 16);
  return add("0x").add({digits, static_cast<std::size_t>(result.ptr - digits)});
}

SignalText& SignalText::add_size(std::size_t bytes) noexcept {
  constexpr std::size_t kMebibyte = 1024 * 1024;
  if (bytes % kMebibyte == 0) return add_number(bytes / kMebibyte).add(" MiB");
  return add_number(bytes / 1024).add(" KiB");
}

SignalText& SignalText::add_symbol(const char* symbol) noexcept {
  const std::string_view name = symbol;
  const std::size_t before = size_;
  if (name.starts_with("_Z") && add_plain_name(*this, name.substr(2))) return *this;
  size_ = before;
  return add(name);
}

void SignalText::write() noexcept {
  // Nothing can be done if it fails.
  [[maybe_unused]] const ssize_t written = real::write(2, bytes_, size_);
  size_ = 0;
}

}  // namespace colibri
