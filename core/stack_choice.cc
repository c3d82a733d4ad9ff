#include "colibri/core/stack_choice.h"

#include <charconv>
#include <cstdlib>
#include <limits>
#include <stdexcept>
#include <string>

namespace colibri {
namespace {

constexpr unsigned kDefaultSharedCount = 8;

/// Takes a number off the front of `text`; false if there is none.
template <class Number>
bool take_number(std::string_view& text, Number& number) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

/// "256k", "1m", "65536".
bool read_size(std::string_view text, std::size_t& bytes) noexcept {
  if (!take_number(text, bytes)) return false;
  if (text.empty()) return true;
  if (text != "k" && text != "m") return false;
  const int shift = text == "k" ? 10 : 20;
  if (bytes > std::numeric_limits<std::size_t>::max() >> shift) return false;
  bytes <<= shift;
  return true;
}

/// "8x256k".
bool read_shared(std::string_view text, StackChoice& choice) noexcept {
  if (!take_number(text, choice.shared_count) || choice.shared_count == 0) return false;
  if (text.empty()) return true;
  return text.front() == 'x' && read_size(text.substr(1), choice.bytes);
}

}  // namespace

StackChoice StackChoice::parse(std::string_view text) {
  StackChoice choice;
  const std::size_t colon = text.find(':');
  const std::string_view kind = text.substr(0, colon);
  const bool has_details = colon != std::string_view::npos;
  const std::string_view details = has_details ? text.substr(colon + 1) : std::string_view();
  bool understood = false;
  if (kind == "private") {
    understood = !has_details || read_size(details, choice.bytes);
  } else if (kind == "shared") {
    choice.shared_count = kDefaultSharedCount;
    understood = !has_details || read_shared(details, choice);
  }
  if (understood) return choice;
  throw std::invalid_argument("\"" + std::string(text) +
                              "\" says nothing about stacks; write \"private\", \"private:64k\", "
                              "\"shared\" or \"shared:8x256k\"");
}

StackChoice StackChoice::from_environment() {
  const char* text = std::getenv("COLIBRI_STACK");
  return text == nullptr || *text == '\0' ? StackChoice{} : parse(text);
}

}  // namespace colibri
