#include "samples/load_test/dialogue.h"

#include <strings.h>

#include <algorithm>

#include "samples/load_test/echo_replies.h"

namespace load_test {
namespace {

/// "name:80", "[::1]:80".
std::string host_and_port(const Options& options) {
  const bool is_ipv6 = options.host.find(':') != std::string::npos;
  return (is_ipv6 ? '[' + options.host + ']' : options.host) + ':' + std::to_string(options.port);
}

/// A line of one's own replaces what would have been said.
bool says_host(const std::vector<std::string>& lines) {
  return std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
    return ::strncasecmp(line.c_str(), "Host:", 5) == 0;
  });
}

}  // namespace

std::string http_request(const Options& options) {
  const bool has_body = options.body_bytes != 0;
  std::string text = (has_body ? "POST " : "GET ") + options.path + " HTTP/1.1\r\n";
  if (!says_host(options.headers)) text += "Host: " + host_and_port(options) + "\r\n";
  for (const std::string& line : options.headers) text += line + "\r\n";
  if (has_body) text += "Content-Length: " + std::to_string(options.body_bytes) + "\r\n";
  text += "\r\n";
  for (std::uint64_t i = 0; i < options.body_bytes; ++i) text += static_cast<char>('a' + i % 26);
  return text;
}

Pattern requests_of(const Options& options) {
  switch (options.protocol) {
    case Protocol::kFramedEcho:
      return Pattern::framed(options.message_bytes);
    case Protocol::kHttp:
      return Pattern::repeated(http_request(options));
    case Protocol::kEcho:
      break;
  }
  return Pattern(options.message_bytes);
}

Dialogue::Dialogue(const Options& options, const Pattern& requests)
    : options_(options), requests_(requests), http_{options.verify, {}} {}

std::unique_ptr<ReplyReader> Dialogue::make_reader(ReplySink& sink, std::uint64_t connection) {
  if (options_.protocol == Protocol::kHttp) return std::make_unique<HttpReplies>(sink, http_);
  using Check = EchoReplies::Check;
  const bool framed = options_.protocol == Protocol::kFramedEcho;
  const Check check = options_.verify ? Check::kBytes : framed ? Check::kFrames : Check::kCount;
  return std::make_unique<EchoReplies>(sink, requests_, connection, check);
}

}  // namespace load_test
