// Replies of an HTTP/1.1 server. The parser is Boost.Beast's; nothing else of Beast is used.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "samples/load_test/reply_reader.h"

namespace load_test {

/// A status of 4xx or 5xx is a refusal; a body that ends too soon, and what is no HTTP, a
/// WrongReply.
class HttpReplies final : public ReplyReader {
 public:
  /// What all connections of a worker have in common.
  struct Shared {
    bool verify = false;                // each body must be the same as the first
    std::optional<std::uint64_t> body;  // a digest of the first
  };

  /// Both must outlive this.
  HttpReplies(ReplySink& sink, Shared& shared);
  ~HttpReplies() override;

  bool take(std::span<const std::byte> bytes, std::uint64_t sent_bytes) override;
  bool take_end() override;
  void restart() override;

 private:
  class Response;

  std::size_t parse(std::string_view bytes);
  void finish_response();
  void check_body(std::uint64_t digest);

  ReplySink& sink_;
  Shared& shared_;
  std::unique_ptr<Response> response_;  // the one that is being read
  bool closes_ = false;                 // the server does, behind the last response
  std::string unparsed_;                // the beginning of a head whose rest has not come yet
};

}  // namespace load_test
