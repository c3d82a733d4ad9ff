// Connecting to one of several addresses, after RFC 8305.
//
// All attempts are those of one coroutine, which waits for them together: no address of its stack
// is known to anybody else, and what it leaves behind when it is cancelled are closed sockets.
#include <netinet/tcp.h>

#include <algorithm>
#include <vector>

#include "colibri/core/libc.h"
#include "colibri/net/net_error.h"
#include "colibri/net/tcp_stream.h"

namespace colibri {
namespace {

/// The addresses in their order, but the families in turn, the first one's first: a family that
/// does not work costs one delay then, and not one for each of its addresses.
std::vector<Address> in_turn(std::span<const Address> addresses) {
  std::vector<Address> first;
  std::vector<Address> second;
  for (const Address& each : addresses) {
    (each.family() == addresses.front().family() ? first : second).push_back(each);
  }
  std::vector<Address> order;
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) order.push_back(first[i]);
    if (i < second.size()) order.push_back(second[i]);
  }
  return order;
}

/// How a connection that was begun has gone: 0, EINPROGRESS, or why it failed.
int outcome_of(int descriptor) noexcept {
  pollfd query{descriptor, POLLOUT, 0};
  if (real::poll(&query, 1, 0) == 0) return EINPROGRESS;
  int error = 0;
  socklen_t size = sizeof error;
  return real::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

}  // namespace

class TcpConnector {
 public:
  TcpConnector(std::span<const Address> addresses, const ConnectOptions& options)
      : order_(in_turn(addresses)), options_(options) {}

  TcpStream run() {
    if (!net_detail::may_begin_call()) fail(errno);
    for (;;) {
      while (next_ != order_.size() && (running_.empty() || next_start_.has_passed())) {
        if (start(order_[next_++])) return stream_of(running_.back());
      }
      if (running_.empty()) net_detail::throw_error(last_error_, failures_);
      wait();
      if (Attempt* winner = find_winner()) return stream_of(*winner);
      if (options_.deadline.has_passed()) fail(ETIMEDOUT);
    }
  }

 private:
  struct Attempt {
    Address address;
    Socket socket;
  };

  /// True if it is connected at once.
  bool start(const Address& address) {
    next_start_ = Deadline::after(options_.attempt_delay);
    try {
      Socket socket = Socket::open(address, SOCK_STREAM);
      if (address.is_unix()) net_detail::throw_error(EAFNOSUPPORT, "connect by TCP to", address);
      socket.set_option(IPPROTO_TCP, TCP_NODELAY, 1);
      const int result = real::connect(socket.descriptor(), address.data(), address.size());
      const int error = result == 0 ? 0 : errno;
      if (error != 0 && error != EINPROGRESS) {
        note_failure(address, error);
        return false;
      }
      running_.push_back({address, std::move(socket)});
      return error == 0;
    } catch (const std::system_error& error) {
      // A family that this machine does not have, for one.
      note_failure(address, error.code().value());
      return false;
    }
  }

  /// Until one may be decided, or the next is to begin, or the time is up.
  void wait() {
    const bool more = next_ != order_.size();
    const Deadline until = more ? std::min(next_start_, options_.deadline) : options_.deadline;
    std::vector<pollfd> all;
    for (const Attempt& each : running_) all.push_back({each.socket.descriptor(), POLLOUT, 0});
    if (!can_park()) {
      if (!net_detail::wait_in_thread(all, until) && errno != ETIMEDOUT) fail(errno);
      return;
    }
    const WakeReason reason = wait_any(all, {.deadline = until});
    if (reason != WakeReason::kTimeout && !net_detail::may_go_on(reason)) fail(errno);
  }

  /// Lets go of those that have failed. Null if none is connected.
  Attempt* find_winner() {
    for (std::size_t i = 0; i < running_.size();) {
      const int error = outcome_of(running_[i].socket.descriptor());
      if (error == 0) return &running_[i];
      if (error == EINPROGRESS) {
        ++i;
        continue;
      }
      note_failure(running_[i].address, error);
      running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
      next_start_ = Deadline::after({});  // the next one need not wait any more
    }
    return nullptr;
  }

  static TcpStream stream_of(Attempt& attempt) {
    return TcpStream(std::move(attempt.socket), attempt.address);
  }

  void note_failure(const Address& address, int error) {
    last_error_ = error;
    failures_ += failures_.empty() ? "connect to " : ", nor to ";
    failures_ += address.to_string();
    if (order_.size() > 1) failures_ += " (" + std::generic_category().message(error) + ')';
  }

  [[noreturn]] void fail(int error) {
    for (const Attempt& each : running_) {
      failures_ += (failures_.empty() ? "connect to " : ", nor to ") + each.address.to_string();
    }
    net_detail::throw_error(error, failures_.empty() ? "connect" : failures_);
  }

  const std::vector<Address> order_;
  const ConnectOptions options_;
  std::size_t next_ = 0;
  Deadline next_start_;
  std::vector<Attempt> running_;
  int last_error_ = 0;
  std::string failures_;
};

TcpStream TcpStream::connect(std::span<const Address> addresses, const ConnectOptions& options) {
  if (addresses.empty()) throw std::invalid_argument("no address to connect to");
  return TcpConnector(addresses, options).run();
}

TcpStream TcpStream::connect(const Address& address, Deadline deadline) {
  return connect(std::span(&address, 1), ConnectOptions{.deadline = deadline});
}

}  // namespace colibri
