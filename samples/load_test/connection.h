// One connection under load.
//
// A message is begun (at its time, or when a reply makes room for it), then sent, then replied to.
// Three counts hold the whole state, since an echo server answers in order:
//
//   replied <= begun                       messages
//   received_bytes <= sent_bytes <= bytes of begun messages
//
// A coroutine reads the replies. Sending never waits: each event that may permit it (a reply, a
// due time) sends what the socket takes. Were it to wait, then with large messages both peers
// could sit in write(), each waiting for the other to read. Only when the socket is full a second
// coroutine appears, and sends when there is room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "samples/load_test/descriptor.h"
#include "samples/load_test/workload.h"

namespace load_test {

/// Belongs to its worker's thread; must not move or end while the worker's crew is at work.
class Connection {
 public:
  /// `number` is unique among all connections of the run, `place` counts those of this worker.
  Connection(Workload& workload, Descriptor socket, std::uint64_t number, std::uint64_t place);

  /// The body of its coroutine: until the stream ends, in a closed loop also until the last reply
  /// after the end of the schedule.
  void drive();

  /// Open loop: the next message is due. Never waits.
  void begin_due_message();

  /// Ends the stream under the coroutine, if it still reads. Workload::closing must be set.
  void close();

  bool awaits_reply() const { return !broken_ && received_bytes_ < begun_ * message_bytes_; }
  std::uint64_t unanswered() const { return begun_ - replied_; }

 private:
  void send_permitted();
  void begin_messages();
  bool send_some(std::uint64_t permitted_bytes);
  void send_when_possible();
  void take_reply(std::span<const std::byte> bytes);
  bool is_expected(std::span<const std::byte> bytes);
  void count_reply(TimePoint now);
  void end_of_stream(ssize_t result);
  void fail(ErrorKind kind, const char* reason);
  std::uint64_t permitted_bytes() const;

  Workload& workload_;
  const Descriptor socket_;
  const std::uint64_t number_;
  const std::uint64_t place_;
  const std::uint64_t message_bytes_;
  const std::uint64_t window_;  // messages in flight at most

  std::uint64_t begun_ = 0;
  std::uint64_t replied_ = 0;
  std::uint64_t sent_bytes_ = 0;
  std::uint64_t received_bytes_ = 0;
  bool sender_waits_ = false;  // the second coroutine is there
  bool broken_ = false;

  std::vector<TimePoint> began_at_;  // closed loop: a ring, message k at k modulo depth
  std::vector<std::byte> buffer_;
};

}  // namespace load_test
