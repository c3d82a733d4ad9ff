#include "samples/load_test/echo_replies.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace load_test {

bool EchoReplies::take(std::span<const std::byte> bytes, std::uint64_t sent_bytes) {
  if (received_ + bytes.size() > sent_bytes) {
    throw WrongReply(ErrorKind::kMismatch, "more bytes than were sent");
  }
  if (check_ == Check::kBytes) check_bytes(bytes);
  if (check_ == Check::kFrames) check_prefixes(bytes);
  const std::uint64_t before = received_ / pattern_.message_bytes();
  received_ += bytes.size();
  const std::uint64_t complete = received_ / pattern_.message_bytes();
  for (std::uint64_t i = before; i < complete; ++i) sink_.take_reply();
  return true;
}

void EchoReplies::check_bytes(std::span<const std::byte> bytes) const {
  const auto expected = pattern_.piece(connection_, received_, bytes.size());
  if (std::memcmp(bytes.data(), expected.data(), bytes.size()) == 0) return;
  const auto wrong = std::mismatch(bytes.begin(), bytes.end(), expected.begin()).first;
  const std::uint64_t at = received_ + static_cast<std::uint64_t>(wrong - bytes.begin());
  throw WrongReply(ErrorKind::kMismatch,
                   "wrong byte " + std::to_string(at % pattern_.message_bytes()) +
                       " in the reply to message " + std::to_string(at / pattern_.message_bytes()));
}

// A reply of another length would be counted as none, or as several.
void EchoReplies::check_prefixes(std::span<const std::byte> bytes) const {
  const std::uint64_t frame = pattern_.message_bytes();
  const auto expected = pattern_.piece(connection_, received_, bytes.size());
  for (std::uint64_t i = 0; i < bytes.size();) {
    const std::uint64_t within = (received_ + i) % frame;
    if (within >= Pattern::kPrefixBytes) {
      i += frame - within;
    } else if (bytes[i] != expected[i]) {
      throw WrongReply(ErrorKind::kMismatch, "the reply to message " +
                                                 std::to_string((received_ + i) / frame) +
                                                 " has another length than the message");
    } else {
      ++i;
    }
  }
}

}  // namespace load_test
