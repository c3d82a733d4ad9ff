#include "colibri/net/http_head.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "colibri/net/http_date.h"

namespace colibri::net_detail {
namespace {

void write_number(BufferedWriter& writer, std::uint64_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.begin(), digits.end(), number).ptr;
  writer.write(std::string_view(digits.begin(), end));
}

/// A copy, since a write may park amid the date, and the text is that of the thread.
void write_date(BufferedWriter& writer) {
  std::array<char, 64> text;
  const std::size_t size = http_date().copy(text.data(), text.size());
  writer.write(std::string_view(text.data(), size));
}

bool is_servers_own(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 4> kNames = {"Content-Length", "Transfer-Encoding",
                                                      "Connection", "Date"};
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](std::string_view each) { return equal_names(each, name); });
}

/// RFC 9110, section 8.6: these must not say a length. For 304 it would be that of what is not
/// sent, which nobody here knows.
bool may_say_length(int status) noexcept {
  return status >= 200 && status != 204 && status != 304;
}

void write_framing(BufferedWriter& writer, const HttpFraming& framing) {
  if (framing.length) {
    writer.write("Content-Length: ");
    write_number(writer, *framing.length);
    writer.write("\r\n");
  } else if (framing.chunked) {
    writer.write("Transfer-Encoding: chunked\r\n");
  }
}

void write_fate(BufferedWriter& writer, const HttpFraming& framing) {
  switch (framing.fate) {
    case ConnectionFate::kStays:
      if (framing.minor_version == 0) writer.write("Connection: keep-alive\r\n");
      return;
    case ConnectionFate::kCloses:
      writer.write("Connection: close\r\n");
      return;
    case ConnectionFate::kUpgrades:
      writer.write("Connection: Upgrade\r\n");
      return;
  }
}

}  // namespace

void write_http_head(BufferedWriter& writer, const HttpResponse& head, const HttpFraming& framing) {
  writer.write("HTTP/1.1 ");
  write_number(writer, static_cast<std::uint64_t>(head.status));
  writer.write(" ");
  writer.write(http_reason(head.status));
  writer.write("\r\nDate: ");
  write_date(writer);
  writer.write("\r\n");
  if (may_say_length(head.status)) write_framing(writer, framing);
  write_fate(writer, framing);
  for (std::size_t i = 0; i < head.fields.size(); ++i) {
    const auto [name, value] = head.fields[i];
    if (is_servers_own(name)) continue;
    writer.write(name);
    writer.write(": ");
    writer.write(value);
    writer.write("\r\n");
  }
  writer.write("\r\n");
}

}  // namespace colibri::net_detail
