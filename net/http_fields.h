// HttpFields: the header fields of a request or a response.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace colibri {
namespace net_detail {
class HttpRequestParser;
}

/// Names and values in their order, a name perhaps several times. Names compare without regard to
/// upper and lower case. A value: copies have texts of their own. Any thread.
class HttpFields {
 public:
  struct Field {
    std::string_view name;
    std::string_view value;
  };

  HttpFields() = default;
  /// With these. Throws as add.
  HttpFields(std::initializer_list<Field> fields);

  /// Appends one. Throws std::invalid_argument if the name is no token of RFC 9110, or the value
  /// has characters that would end the field. Nothing is changed when it throws.
  void add(std::string_view name, std::string_view value);

  /// The value of the first of this name; nothing if there is none. Valid until fields are added.
  std::optional<std::string_view> find(std::string_view name) const noexcept;
  /// How many there are of this name.
  std::size_t count(std::string_view name) const noexcept;
  /// Whether one of the lists of this name has the token, as in "Connection: keep-alive, Upgrade".
  bool has_token(std::string_view name, std::string_view token) const noexcept;

  std::size_t size() const noexcept { return places_.size(); }
  bool empty() const noexcept { return places_.empty(); }
  /// The one at this place; valid until fields are added.
  Field operator[](std::size_t index) const noexcept;

  /// Removes all, and keeps the memory.
  void clear() noexcept;

 private:
  friend class net_detail::HttpRequestParser;

  /// add, of what is known to be good.
  void append(std::string_view name, std::string_view value);

  /// Where a field lies in text_, which has each value right behind its name.
  struct Place {
    std::uint32_t begin;
    std::uint32_t name_size;
    std::uint32_t value_size;
  };
  std::string text_;
  std::vector<Place> places_;
};

namespace net_detail {

/// Equal but for upper and lower case of ASCII letters.
bool equal_names(std::string_view a, std::string_view b) noexcept;
/// A token of RFC 9110: what names of methods and fields consist of.
bool is_http_token(std::string_view text) noexcept;

}  // namespace net_detail
}  // namespace colibri
