#include "samples/load_test/connection.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace load_test {
namespace {

// Of an open loop without --depth.
constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 40;

// Of HTTP, whose replies have any size.
constexpr std::size_t kHttpBufferBytes = 4096;

// Room for more than all replies in flight: a read that fills its buffer says nothing about what
// is left, and costs a further call that finds nothing.
std::size_t buffer_bytes(const Workload& workload) {
  if (workload.options.protocol == Protocol::kHttp) return kHttpBufferBytes;
  const std::uint64_t messages = workload.options.depth == 0 ? 16 : workload.options.depth;
  return std::min(messages * workload.dialogue.requests().message_bytes() + 64,
                  std::uint64_t{Pattern::kLongestPiece});
}

}  // namespace

Connection::Connection(Workload& workload, std::unique_ptr<Transport> transport,
                       std::uint32_t number, std::uint64_t place)
    : workload_(workload),
      transport_(std::move(transport)),
      reader_(workload.dialogue.make_reader(*this, number)),
      number_(number),
      place_(place),
      message_bytes_(workload.dialogue.requests().message_bytes()),
      window_(workload.options.depth == 0 ? kNoLimit : workload.options.depth),
      began_at_(workload.options.open_loop() ? 0 : window_),
      buffer_(buffer_bytes(workload)) {}

void Connection::drive() {
  send_permitted();
  // In an open loop a late message may yet come after the last reply: the worker ends the reading.
  while (!broken_ && (workload_.options.open_loop() || awaits_reply())) {
    const ssize_t size = transport_->receive(buffer_);
    const bool stays = size > 0
                           ? take_bytes(std::span(buffer_).first(static_cast<std::size_t>(size)))
                           : take_end(size);
    if (!stays && !renew()) return;
    send_permitted();
  }
}

void Connection::begin_due_message() {
  ++begun_;
  send_permitted();
}

void Connection::close() {
  transport_->end();
}

std::uint64_t Connection::permitted_bytes() const {
  return std::min(begun_, replied_ + window_) * message_bytes_;
}

void Connection::send_permitted() {
  if (broken_ || renewing_) return;
  if (!workload_.options.open_loop()) begin_messages();
  if (!sender_waits_ && !send_some(permitted_bytes())) {
    sender_waits_ = true;
    workload_.crew.start([this] { send_when_possible(); });
  }
}

// A closed loop fills its window, all new messages at the same time.
void Connection::begin_messages() {
  const TimePoint now = Clock::now();
  if (now >= workload_.schedule.end()) return;
  for (; begun_ < replied_ + window_; ++begun_) began_at_[begun_ % window_] = now;
}

/// False when the socket takes no more for now.
bool Connection::send_some(std::uint64_t permitted_bytes) {
  while (!broken_ && !renewing_ && sent_bytes_ < permitted_bytes) {
    const auto piece = workload_.dialogue.requests().piece(
        number_, sent_bytes_,
        std::min(permitted_bytes - sent_bytes_, std::uint64_t{Pattern::kLongestPiece}));
    const ssize_t size = transport_->send(piece);
    if (size >= 0) {
      sent_bytes_ += static_cast<std::uint64_t>(size);
    } else if (errno == EAGAIN) {
      return false;
    } else {
      fail(kind_of_errno(errno), transport_->reason(errno));
    }
  }
  return true;
}

void Connection::send_when_possible() {
  pollfd room{transport_->descriptor(), POLLOUT, 0};
  do {
    if (::poll(&room, 1, -1) < 0 && errno != EINTR) break;
  } while (!send_some(permitted_bytes()));
  sender_waits_ = false;
}

/// False when the connection is of no more use.
bool Connection::take_bytes(std::span<const std::byte> bytes) {
  received_at_ = Clock::now();
  if (workload_.schedule.measures(received_at_)) {
    workload_.statistics.received_bytes.add(bytes.size());
  }
  try {
    return reader_->take(bytes, sent_bytes_);
  } catch (const WrongReply& wrong) {
    fail(wrong.kind(), wrong.what());
    return false;
  }
}

bool Connection::take_end(ssize_t result) {
  received_at_ = Clock::now();
  if (result < 0) {
    fail(kind_of_errno(errno), transport_->reason(errno));
    return false;
  }
  const bool owed = awaits_reply();
  const std::uint64_t before = replied_;
  try {
    const bool may_end = reader_->take_end() && (!owed || replied_ != before);
    if (!may_end) fail(ErrorKind::kClosed, "the server closed the connection");
  } catch (const WrongReply& wrong) {
    fail(wrong.kind(), wrong.what());
  }
  return false;
}

void Connection::take_reply() {
  const TimePoint began = begin_of_reply();
  const std::chrono::nanoseconds latency = received_at_ - began;
  Statistics& statistics = workload_.statistics;
  statistics.all_messages.add(1);
  if (workload_.schedule.measures(received_at_)) statistics.messages.add(1);
  if (workload_.schedule.measures(began)) statistics.latency.record(latency.count());
  workload_.timeline.record_reply(received_at_, latency);
  if (StageStatistics* stage = workload_.stage_of(began)) stage->latency.record(latency.count());
}

void Connection::take_refusal(const std::string& reason) {
  begin_of_reply();
  note_error(ErrorKind::kBadStatus, reason);
}

/// When the message began whose reply is complete now.
TimePoint Connection::begin_of_reply() {
  if (!awaits_reply()) throw WrongReply(ErrorKind::kMismatch, "more replies than messages");
  const TimePoint began = workload_.options.open_loop() ? workload_.arrivals.due(place_, replied_)
                                                        : began_at_[replied_ % window_];
  ++replied_;
  return began;
}

/// False: nothing more is to be done. What has been begun keeps the time of its beginning: a new
/// connection is the server's wish, and what it costs is part of the latency.
bool Connection::renew() {
  const bool over =
      !workload_.options.open_loop() && !awaits_reply() && Clock::now() >= workload_.schedule.end();
  if (over || broken_ || workload_.closing) return false;
  renewing_ = true;
  transport_->end();
  while (sender_waits_) colibri::sleep_for(std::chrono::milliseconds(1));
  try {
    transport_ = workload_.dialer.dial(number_);
    ++workload_.statistics.renewed;
  } catch (const CannotConnect& failure) {
    fail(failure.kind(), failure.what());
  }
  if (workload_.closing) transport_->end();
  reader_->restart();
  sent_bytes_ = replied_ * message_bytes_;
  renewing_ = false;
  return !broken_;
}

void Connection::note_error(ErrorKind kind, const std::string& reason) {
  workload_.statistics.count_error(kind);
  workload_.timeline.record_error(Clock::now());
  std::string& first = workload_.statistics.first_error;
  if (first.empty()) first = "connection " + std::to_string(number_) + ": " + reason;
}

void Connection::fail(ErrorKind kind, const std::string& reason) {
  if (std::exchange(broken_, true) || workload_.closing) return;
  note_error(kind, reason);
  workload_.statistics.lost.add(1);
  workload_.schedule.lose_connection();
  transport_->end();  // wakes the coroutines that wait on it
}

}  // namespace load_test
