#include "colibri/net/listener_handover.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "colibri/core/canceled.h"
#include "colibri/core/libc.h"
#include "colibri/core/log.h"
#include "colibri/core/sleep.h"
#include "colibri/net/net_error.h"

namespace colibri {
namespace {

// What the two say to each other: a byte each.
constexpr std::byte kHereTheyAre{'L'};
constexpr std::byte kReady{'R'};

/// How long a successor may take from the connection to the moment it is ready.
constexpr std::chrono::minutes kPatience{1};
constexpr std::chrono::milliseconds kPause{100};

/// Nothing if nobody serves there.
UnixStream call(const Address& meeting_point, Deadline deadline) {
  try {
    return UnixStream::connect(meeting_point, deadline);
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::connection_refused &&
        error.code() != std::errc::no_such_file_or_directory) {
      throw;
    }
    return UnixStream();
  }
}

bool is_allowed(const UnixStream& stream) noexcept {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (real::getsockopt(stream.descriptor(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return false;
  }
  return peer.uid == geteuid() || peer.uid == 0;
}

}  // namespace

ListenerHandover::ListenerHandover(const Address& meeting_point, Deadline deadline)
    : predecessor_(call(meeting_point, deadline)) {
  if (!predecessor_.is_open()) {
    meeting_point_ = UnixListener(meeting_point);
    return;
  }
  const TimeLimit limit(deadline);
  std::array<std::byte, 1> word{};
  std::vector<OwnedDescriptor> got;
  const std::size_t size = predecessor_.read_with_descriptors(word, got);
  if (size == 0 || word[0] != kHereTheyAre || got.empty()) {
    net_detail::throw_error(EPROTO, "take over the listeners from", meeting_point);
  }
  meeting_point_ = UnixListener::adopt(got[0].release());
  for (std::size_t i = 1; i < got.size(); ++i) {
    listeners_.push_back(TcpListener::adopt(got[i].release()));
  }
}

/// True when the successor is ready.
bool ListenerHandover::hand_over(UnixStream& successor, const TcpServer& server) const {
  if (!is_allowed(successor)) {
    log(LogLevel::kWarning, "another user asked for the listeners, and was refused");
    return false;
  }
  const TimeLimit limit(kPatience);
  std::vector<int> descriptors = server.listener_descriptors();
  descriptors.insert(descriptors.begin(), meeting_point_.descriptor());
  const std::array here{kHereTheyAre};
  successor.write_with_descriptors(here, descriptors);
  std::array<std::byte, 1> word{};
  return successor.read_some(word) == 1 && word[0] == kReady;
}

void ListenerHandover::dismiss_predecessor() {
  if (!predecessor_.is_open()) return;
  const std::array ready{kReady};
  try {
    predecessor_.write_all(ready);
  } catch (const Canceled&) {
    throw;
  } catch (const std::system_error& error) {
    // It has ended by itself meanwhile. What it listened with is ours in any case.
    log(LogLevel::kWarning, std::string("the predecessor was not there any more: ") + error.what());
  }
  predecessor_.close();
}

void ListenerHandover::run(TcpServer& server) {
  dismiss_predecessor();
  for (;;) {
    try {
      UnixStream successor = meeting_point_.accept();
      if (hand_over(successor, server)) break;
    } catch (const Canceled&) {
      throw;
    } catch (const std::exception& error) {
      log(LogLevel::kWarning, std::string("a successor did not come up: ") + error.what());
      sleep_for(kPause);  // perhaps there are no descriptors
    }
  }
  meeting_point_.close();
  server.stop();
}

}  // namespace colibri
