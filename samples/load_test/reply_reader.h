// How the replies of one connection are told apart, and right ones from wrong ones.
#pragma once

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

#include "samples/load_test/statistics.h"

namespace load_test {

/// A reply after which nothing on its connection can be understood, or should be.
class WrongReply : public std::runtime_error {
 public:
  WrongReply(ErrorKind kind, const std::string& reason) : std::runtime_error(reason), kind_(kind) {}

  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

/// Who wants to know of replies, which come in the order of their requests.
class ReplySink {
 public:
  virtual ~ReplySink() = default;
  /// A reply as it should be is complete.
  virtual void take_reply() = 0;
  /// So is one that refuses what was asked for, such as HTTP's 404; the connection can go on.
  virtual void take_refusal(const std::string& reason) = 0;
};

/// Reads the replies of one connection. Belongs to its worker's thread; neither waits nor allocates
/// in the usual case.
class ReplyReader {
 public:
  virtual ~ReplyReader() = default;

  /// Takes what has come. `sent_bytes`: what has been sent on this connection so far; more cannot
  /// have been replied to. False: the server closes the connection behind the last reply that it
  /// has taken, and what else was asked is to be asked again, on a new one. Throws WrongReply.
  virtual bool take(std::span<const std::byte> bytes, std::uint64_t sent_bytes) = 0;

  /// The server has ended the stream: completes a reply that has no other end, and throws
  /// WrongReply if it cuts one off. True: servers of this protocol may do so when they have nothing
  /// to reply to.
  virtual bool take_end() = 0;

  /// From here on, the replies of a new connection.
  virtual void restart() = 0;
};

}  // namespace load_test
