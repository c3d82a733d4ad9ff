#include "samples/load_test/connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace load_test {
namespace {

// Of an open loop without --depth.
constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 40;

// Room for more than all replies in flight: a read that fills its buffer says nothing about what
// is left, and costs a further call that finds nothing.
std::size_t buffer_bytes(const Options& options) {
  const std::uint64_t messages = options.depth == 0 ? 16 : options.depth;
  return std::min(messages * options.message_bytes + 64, std::uint64_t{Pattern::kLongestPiece});
}

}  // namespace

Connection::Connection(Workload& workload, Descriptor socket, std::uint64_t number,
                       std::uint64_t place)
    : workload_(workload),
      socket_(std::move(socket)),
      number_(number),
      place_(place),
      message_bytes_(workload.options.message_bytes),
      window_(workload.options.depth == 0 ? kNoLimit : workload.options.depth),
      began_at_(workload.options.open_loop() ? 0 : window_),
      buffer_(buffer_bytes(workload.options)) {}

void Connection::drive() {
  send_permitted();
  // In an open loop a late message may yet come after the last reply: the worker ends the reading.
  while (!broken_ && (workload_.options.open_loop() || awaits_reply())) {
    const ssize_t size = ::recv(socket_.number(), buffer_.data(), buffer_.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return end_of_stream(size);
    take_reply(std::span(buffer_).first(static_cast<std::size_t>(size)));
    send_permitted();
  }
}

void Connection::begin_due_message() {
  ++begun_;
  send_permitted();
}

void Connection::close() {
  ::shutdown(socket_.number(), SHUT_RDWR);
}

std::uint64_t Connection::permitted_bytes() const {
  return std::min(begun_, replied_ + window_) * message_bytes_;
}

void Connection::send_permitted() {
  if (broken_) return;
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
  while (!broken_ && sent_bytes_ < permitted_bytes) {
    const auto piece = workload_.pattern.piece(
        number_, sent_bytes_,
        std::min(permitted_bytes - sent_bytes_, std::uint64_t{Pattern::kLongestPiece}));
    const ssize_t size =
        ::send(socket_.number(), piece.data(), piece.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size >= 0) {
      sent_bytes_ += static_cast<std::uint64_t>(size);
    } else if (errno == EAGAIN) {
      return false;
    } else if (errno != EINTR) {
      fail(kind_of_errno(errno), std::strerror(errno));
    }
  }
  return true;
}

void Connection::send_when_possible() {
  pollfd room{socket_.number(), POLLOUT, 0};
  do {
    if (::poll(&room, 1, -1) < 0 && errno != EINTR) break;
  } while (!send_some(permitted_bytes()));
  sender_waits_ = false;
}

void Connection::take_reply(std::span<const std::byte> bytes) {
  const TimePoint now = Clock::now();
  if (received_bytes_ + bytes.size() > sent_bytes_) {
    return fail(ErrorKind::kMismatch, "more bytes than were sent");
  }
  if (workload_.options.verify && !is_expected(bytes)) return;
  received_bytes_ += bytes.size();
  while ((replied_ + 1) * message_bytes_ <= received_bytes_) count_reply(now);
}

bool Connection::is_expected(std::span<const std::byte> bytes) {
  const auto expected = workload_.pattern.piece(number_, received_bytes_, bytes.size());
  if (std::memcmp(bytes.data(), expected.data(), bytes.size()) == 0) return true;
  const auto wrong = std::mismatch(bytes.begin(), bytes.end(), expected.begin()).first;
  const std::uint64_t at = received_bytes_ + static_cast<std::uint64_t>(wrong - bytes.begin());
  const std::string reason = "wrong byte " + std::to_string(at % message_bytes_) +
                             " in the reply to message " + std::to_string(at / message_bytes_);
  fail(ErrorKind::kMismatch, reason.c_str());
  return false;
}

void Connection::count_reply(TimePoint now) {
  const TimePoint began = workload_.options.open_loop() ? workload_.arrivals.due(place_, replied_)
                                                        : began_at_[replied_ % window_];
  ++replied_;
  workload_.statistics.all_messages.add(1);
  if (workload_.schedule.measures(now)) workload_.statistics.messages.add(1);
  if (workload_.schedule.measures(began)) {
    workload_.statistics.latency.record(std::chrono::nanoseconds(now - began).count());
  }
}

void Connection::end_of_stream(ssize_t result) {
  if (result == 0) return fail(ErrorKind::kClosed, "the server closed the connection");
  fail(kind_of_errno(errno), std::strerror(errno));
}

void Connection::fail(ErrorKind kind, const char* reason) {
  if (std::exchange(broken_, true) || workload_.closing) return;
  Statistics& statistics = workload_.statistics;
  statistics.count_error(kind);
  statistics.lost.add(1);
  if (statistics.first_error.empty()) {
    statistics.first_error = "connection " + std::to_string(number_) + ": " + reason;
  }
  workload_.schedule.lose_connection();
  ::shutdown(socket_.number(), SHUT_RDWR);  // wakes the coroutines that wait on it
}

}  // namespace load_test
