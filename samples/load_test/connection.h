// One connection under load.
//
// A message is begun (at its time, or when a reply makes room for it), then sent, then replied to.
// Three counts hold the whole state, since servers answer in order:
//
//   replied <= begun                       messages
//   sent_bytes <= bytes of begun messages
//
// A server may close the connection behind a reply, as HTTP's do: then what it has not replied to
// is sent again, on a new one.
//
// A coroutine reads the replies. Sending never waits: each event that may permit it (a reply, a
// due time) sends what the socket takes. Were it to wait, then with large messages both peers
// could sit in write(), each waiting for the other to read. Only when the socket is full a second
// coroutine appears, and sends when there is room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "samples/load_test/reply_reader.h"
#include "samples/load_test/transport.h"
#include "samples/load_test/workload.h"

namespace load_test {

/// Belongs to its worker's thread; must not move or end while the worker's crew is at work.
class Connection final : private ReplySink {
 public:
  /// `number` is unique among all connections of the run, `place` counts those of this worker.
  Connection(Workload& workload, std::unique_ptr<Transport> transport, std::uint32_t number,
             std::uint64_t place);

  /// The body of its coroutine: until the stream ends, in a closed loop also until the last reply
  /// after the end of the schedule.
  void drive();

  /// Open loop: the next message is due. Never waits.
  void begin_due_message();

  /// Ends the stream under the coroutine, if it still reads. Workload::closing must be set.
  void close();

  bool awaits_reply() const { return !broken_ && replied_ < begun_; }
  std::uint64_t unanswered() const { return begun_ - replied_; }

 private:
  void send_permitted();
  void begin_messages();
  bool send_some(std::uint64_t permitted_bytes);
  void send_when_possible();
  bool take_bytes(std::span<const std::byte> bytes);
  bool take_end(ssize_t result);
  void take_reply() override;
  void take_refusal(const std::string& reason) override;
  TimePoint begin_of_reply();
  bool renew();
  void note_error(ErrorKind kind, const std::string& reason);
  void fail(ErrorKind kind, const std::string& reason);
  std::uint64_t permitted_bytes() const;

  Workload& workload_;
  std::unique_ptr<Transport> transport_;
  const std::unique_ptr<ReplyReader> reader_;
  const std::uint32_t number_;
  const std::uint64_t place_;
  const std::uint64_t message_bytes_;  // as they are sent
  const std::uint64_t window_;         // messages in flight at most

  std::uint64_t begun_ = 0;
  std::uint64_t replied_ = 0;
  std::uint64_t sent_bytes_ = 0;
  TimePoint received_at_;      // the replies that are being taken
  bool sender_waits_ = false;  // the second coroutine is there
  bool renewing_ = false;      // the transport is about to be replaced
  bool broken_ = false;

  std::vector<TimePoint> began_at_;  // closed loop: a ring, message k at k modulo depth
  std::vector<std::byte> buffer_;
};

}  // namespace load_test
