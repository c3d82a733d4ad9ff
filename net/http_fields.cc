#include "colibri/net/http_fields.h"

#include <algorithm>
#include <stdexcept>

namespace colibri {
namespace net_detail {
namespace {

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";

bool is_token_character(char c) noexcept {
  const bool alphanumeric = (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9');
  return alphanumeric || kMarks.find(c) != std::string_view::npos;
}

}  // namespace

bool equal_names(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char left, char right) { return lower(left) == lower(right); });
}

bool is_http_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

}  // namespace net_detail

namespace {

constexpr std::string_view kBlanks = " \t";

/// Line ends and NUL would end the field, or be taken for its end by somebody.
bool is_field_value(std::string_view value) noexcept {
  return value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

std::string_view trim(std::string_view text) noexcept {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool list_has(std::string_view list, std::string_view token) noexcept {
  for (;;) {
    const std::size_t comma = list.find(',');
    if (net_detail::equal_names(trim(list.substr(0, comma)), token)) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace

HttpFields::HttpFields(std::initializer_list<Field> fields) {
  for (const Field& field : fields) add(field.name, field.value);
}

void HttpFields::add(std::string_view name, std::string_view value) {
  if (!net_detail::is_http_token(name)) {
    throw std::invalid_argument("no name of an HTTP field: \"" + std::string(name) + '"');
  }
  if (!is_field_value(value)) {
    throw std::invalid_argument("the value of the HTTP field " + std::string(name) +
                                " has a line end or a NUL");
  }
  append(name, value);
}

void HttpFields::append(std::string_view name, std::string_view value) {
  const std::size_t begin = text_.size();
  text_.append(name).append(value);
  // Last, since any of these may find no memory: text without a place does no harm.
  places_.push_back({.begin = static_cast<std::uint32_t>(begin),
                     .name_size = static_cast<std::uint32_t>(name.size()),
                     .value_size = static_cast<std::uint32_t>(value.size())});
}

std::optional<std::string_view> HttpFields::find(std::string_view name) const noexcept {
  for (std::size_t i = 0; i < size(); ++i) {
    if (const Field field = (*this)[i]; net_detail::equal_names(field.name, name)) {
      return field.value;
    }
  }
  return std::nullopt;
}

std::size_t HttpFields::count(std::string_view name) const noexcept {
  std::size_t found = 0;
  for (std::size_t i = 0; i < size(); ++i) {
    found += net_detail::equal_names((*this)[i].name, name) ? 1 : 0;
  }
  return found;
}

bool HttpFields::has_token(std::string_view name, std::string_view token) const noexcept {
  for (std::size_t i = 0; i < size(); ++i) {
    const Field field = (*this)[i];
    if (net_detail::equal_names(field.name, name) && list_has(field.value, token)) return true;
  }
  return false;
}

HttpFields::Field HttpFields::operator[](std::size_t index) const noexcept {
  const Place place = places_[index];
  const std::string_view both(text_.data() + place.begin, place.name_size + place.value_size);
  return {both.substr(0, place.name_size), both.substr(place.name_size)};
}

void HttpFields::clear() noexcept {
  text_.clear();
  places_.clear();
}

}  // namespace colibri
