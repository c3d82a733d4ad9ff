// Replies of an echo server: the bytes that were sent, with or without frames.
#pragma once

#include "samples/load_test/pattern.h"
#include "samples/load_test/reply_reader.h"

namespace load_test {

class EchoReplies final : public ReplyReader {
 public:
  enum class Check {
    kCount,   // as many bytes as were sent
    kFrames,  // and the prefix of each frame is right
    kBytes,   // each is the one that was sent
  };

  /// Both references must outlive this; `connection` is the number with which `pattern` is read.
  EchoReplies(ReplySink& sink, const Pattern& pattern, std::uint64_t connection, Check check)
      : sink_(sink), pattern_(pattern), connection_(connection), check_(check) {}

  bool take(std::span<const std::byte> bytes, std::uint64_t sent_bytes) override;
  bool take_end() override { return false; }
  void restart() override { received_ = 0; }

 private:
  void check_bytes(std::span<const std::byte> bytes) const;
  void check_prefixes(std::span<const std::byte> bytes) const;

  ReplySink& sink_;
  const Pattern& pattern_;
  const std::uint64_t connection_;
  const Check check_;
  std::uint64_t received_ = 0;
};

}  // namespace load_test
