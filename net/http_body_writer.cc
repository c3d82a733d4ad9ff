#include "colibri/net/http_body_writer.h"

#include <array>
#include <charconv>
#include <stdexcept>

namespace colibri {

void HttpBodyWriter::write(std::span<const std::byte> bytes) {
  switch (framing_) {
    case Framing::kNoBody:
      return;
    case Framing::kLength:
      if (bytes.size() > left_) {
        throw std::length_error("more was written of a body than its announced length");
      }
      writer_.write(bytes);
      left_ -= bytes.size();
      return;
    case Framing::kUntilClose:
      writer_.write(bytes);
      return;
    case Framing::kChunked:
      write_chunk(bytes);
      return;
  }
}

void HttpBodyWriter::write_chunk(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;  // it would be the end
  std::array<char, 18> line;
  char* const end = std::to_chars(line.begin(), line.end() - 2, bytes.size(), 16).ptr;
  end[0] = '\r';
  end[1] = '\n';
  writer_.write(std::string_view(line.begin(), end + 2));
  writer_.write(bytes);
  writer_.write("\r\n");
}

void HttpBodyWriter::flush() {
  writer_.flush();
}

bool HttpBodyWriter::finish() {
  if (framing_ == Framing::kChunked) writer_.write("0\r\n\r\n");
  return framing_ != Framing::kLength || left_ == 0;
}

}  // namespace colibri
