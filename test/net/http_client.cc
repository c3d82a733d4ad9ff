#include "test/net/http_client.h"

#include <array>
#include <charconv>
#include <system_error>

namespace colibri::test {
namespace {

std::size_t number_of(std::string_view text, int base) {
  std::size_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number, base);
  return number;
}

}  // namespace

HttpAnswer HttpDialogue::read_answer(bool with_body) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  HttpAnswer answer;
  const auto first = reader_.read_line();
  if (!first || !first->starts_with(kVersion)) return answer;
  answer.status = static_cast<int>(number_of(first->substr(kVersion.size(), 3), 10));
  for (auto line = reader_.read_line(); line && !line->empty(); line = reader_.read_line()) {
    const std::size_t colon = line->find(": ");
    if (colon == line->npos) return {};
    answer.fields.add(line->substr(0, colon), line->substr(colon + 2));
  }
  answer.is_whole = true;
  if (with_body && answer.status >= 200) read_body(answer);
  return answer;
}

void HttpDialogue::read_body(HttpAnswer& answer) {
  if (answer.fields.find("Transfer-Encoding")) {
    answer.is_whole = read_chunks(answer.body);
  } else if (const auto length = answer.fields.find("Content-Length")) {
    answer.is_whole = append(answer.body, number_of(*length, 10));
  } else if (answer.status != 204 && answer.status != 304) {
    while (append(answer.body, 1)) {
    }
  }
}

bool HttpDialogue::read_chunks(std::string& body) {
  for (;;) {
    const auto line = reader_.read_line();
    if (!line || line->empty()) return false;
    const std::size_t size = number_of(*line, 16);
    if (!append(body, size)) return false;
    if (reader_.read_line() != "") return false;
    if (size == 0) return true;
  }
}

/// False if there are not so many bytes.
bool HttpDialogue::append(std::string& body, std::size_t size) {
  const std::size_t before = body.size();
  body.resize(before + size);
  const auto room = std::as_writable_bytes(std::span(body)).subspan(before);
  std::size_t done = 0;
  while (done != size) {
    const std::size_t more = reader_.read_some(room.subspan(done));
    if (more == 0) break;
    done += more;
  }
  body.resize(before + done);
  return done == size;
}

bool HttpDialogue::is_at_end() {
  std::array<std::byte, 1> byte;
  return reader_.read_some(byte) == 0;
}

}  // namespace colibri::test
