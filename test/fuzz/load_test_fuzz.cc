// What the load tester reads: a server's replies by HTTP, stages on its command line, and results
// of before. The first byte says which.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "samples/load_test/comparison.h"
#include "samples/load_test/http_replies.h"
#include "samples/load_test/stage.h"
#include "test/fuzz/expect.h"

using namespace load_test;
using colibri::test::expect;

namespace {

class Listener final : public ReplySink {
 public:
  void take_reply() override { heard += "reply "; }
  void take_refusal(const std::string&) override { heard += "refusal "; }
  std::string heard;
};

/// What is heard of replies that come in pieces of `piece` bytes, and then end.
std::string hear(std::string_view text, std::size_t piece) {
  Listener listener;
  HttpReplies::Shared shared{true, {}};
  HttpReplies replies(listener, shared);
  try {
    for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
      if (!replies.take(std::as_bytes(std::span(text.substr(0, piece))), 1'000'000)) {
        return listener.heard + "last";
      }
    }
    return listener.heard + (replies.take_end() ? "ended" : "closed");
  } catch (const WrongReply&) {
    return listener.heard + "wrong";
  }
}

void try_replies(std::string_view text) {
  expect(hear(text, text.size() + 1) == hear(text, 1),
         "what is heard does not depend on how it comes");
}

void try_stage(std::string_view text) {
  try {
    const Stage stage = parse_stage(text);
    expect(stage.duration.count() > 0, "a stage takes time");
    expect(stage.from >= 0 && stage.to >= 0, "rates are not negative");
  } catch (const std::invalid_argument& error) {
    expect(error.what()[0] != '\0', "the error says something");
  }
}

void try_results(std::string_view text) {
  const std::size_t middle = std::min(text.find('\n'), text.size());
  try {
    as_text(compare_results(std::string(text.substr(0, middle)), std::string(text.substr(middle))));
  } catch (const std::runtime_error& error) {
    expect(error.what()[0] != '\0', "the error says something");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'h':
      try_replies(text);
      break;
    case 's':
      try_stage(text);
      break;
    case 'r':
      try_results(text);
      break;
    default:
      break;
  }
  return 0;
}
