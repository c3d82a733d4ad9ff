// What is said on a connection: the requests of a protocol, and who reads its replies.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "samples/load_test/http_replies.h"
#include "samples/load_test/options.h"
#include "samples/load_test/pattern.h"
#include "samples/load_test/reply_reader.h"

namespace load_test {

/// The one request of a load by HTTP, head and body.
std::string http_request(const Options& options);

/// The requests of all connections.
Pattern requests_of(const Options& options);

/// What the connections of one worker have in common. Belongs to its thread.
class Dialogue {
 public:
  /// Both must outlive this, and the readers that it makes.
  Dialogue(const Options& options, const Pattern& requests);

  const Pattern& requests() const { return requests_; }
  /// A reader for the replies to `connection`, which tells `sink`. This must outlive it.
  std::unique_ptr<ReplyReader> make_reader(ReplySink& sink, std::uint64_t connection);

 private:
  const Options& options_;
  const Pattern& requests_;
  HttpReplies::Shared http_;
};

}  // namespace load_test
