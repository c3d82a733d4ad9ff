// Bytes as requests of one HTTP connection: what is read does not depend on how they come, all at
// once or byte by byte. Two readers that disagree here are how requests are smuggled.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "colibri/net/http_parser.h"
#include "test/fuzz/expect.h"

using colibri::HttpError;
using colibri::HttpRequest;
using colibri::net_detail::HttpRequestParser;
using colibri::test::expect;

namespace {

constexpr std::size_t kHeaderBytes = 1024;
constexpr std::uint64_t kBodyBytes = 2048;

/// A connection on which at most `piece` bytes come at once.
class Connection {
 public:
  Connection(std::string_view bytes, std::size_t piece) : bytes_(bytes), piece_(piece) {}

  /// What was understood: each request and its body, and how it ended.
  std::string read_all() {
    HttpRequestParser parser(kHeaderBytes, kBodyBytes);
    try {
      for (;;) {
        parser.begin();
        // What came of one that is not whole, or refused in the end, depends on how it comes.
        if (!read_head(parser) || !read_body(parser)) return heard_ + "|incomplete";
        heard_ += present_;
        if (!parser.keep_alive()) return heard_ + "|closes";
      }
    } catch (const HttpError&) {
      // Not which: what is too long may also be wrong further on.
      return heard_ + "|refused";
    }
  }

 private:
  /// What is there, at most so many bytes.
  std::string_view seen(std::size_t most) const {
    return bytes_.substr(used_, std::min(most, known_ - used_));
  }
  bool more() {
    if (known_ == bytes_.size()) return false;
    known_ += std::min(piece_, bytes_.size() - known_);
    return true;
  }

  bool read_head(HttpRequestParser& parser) {
    HttpRequest request;
    std::size_t head = 0;
    do {
      const std::string_view text = seen(kHeaderBytes);
      if (!text.empty()) head = parser.parse_head(text, request);
      expect(head <= text.size(), "a head is no longer than what there is");
      // The buffer is full: the parser says so when it is asked.
      if (head == 0 && text.size() == kHeaderBytes) return false;
    } while (head == 0 && more());
    if (head == 0) return false;
    used_ += head;
    present_ = '[' + request.method + ' ' + request.target + ']';
    return true;
  }

  bool read_body(HttpRequestParser& parser) {
    std::array<std::byte, 64> room;
    while (!parser.is_done()) {
      const auto part = parser.parse_body(seen(kHeaderBytes), room);
      expect(part.used <= known_ - used_ && part.copied <= room.size(), "no more than there is");
      used_ += part.used;
      present_.append(reinterpret_cast<const char*>(room.data()), part.copied);
      if (part.copied == 0 && !parser.is_done() && part.used == 0 && !more()) return false;
    }
    return true;
  }

  const std::string_view bytes_;
  const std::size_t piece_;
  std::size_t known_ = 0;
  std::size_t used_ = 0;
  std::string heard_;  // of whole requests
  std::string present_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string at_once = Connection(bytes, size + 1).read_all();
  const std::string byte_by_byte = Connection(bytes, 1).read_all();
  if (at_once != byte_by_byte) {
    std::fprintf(stderr, "at once:      %s\nbyte by byte: %s\n", at_once.c_str(),
                 byte_by_byte.c_str());
  }
  expect(at_once == byte_by_byte, "what is read does not depend on how it comes");
  return 0;
}
