#include "colibri/net/proxy_protocol.h"

#include <algorithm>
#include <memory>
#include <span>
#include <stdexcept>

#include "colibri/core/libc.h"
#include "colibri/net/net_error.h"
#include "colibri/net/socket_call.h"

namespace colibri {
namespace {

constexpr std::string_view kWhat = "read the PROXY header from";
// As many as a proxy sends at once: what fits the smallest segment of TCP.
constexpr std::size_t kStep = 536;

/// Reads a header into its own memory.
class HeaderReading {
 public:
  HeaderReading(TcpStream& stream, const ProxyHeaderOptions& options) noexcept
      : stream_(stream), options_(options) {}

  /// False if the stream ends before the first byte.
  bool read() {
    // Sent at once, it takes two calls. A part of a header is taken, so that the next call waits
    // for what is missing.
    for (bool is_complete = false; !is_complete;) {
      const std::size_t before = bytes_.size();
      bytes_.resize(before + kStep);
      // What is behind the header must stay where it is, and how long that is, only the bytes say.
      bytes_.resize(before + receive(before, MSG_PEEK));
      if (bytes_.size() == before) {
        if (before == 0) return false;
        errno = ECONNABORTED;
        stream_.fail("the stream ended after " + std::to_string(before) +
                     " bytes of a PROXY header from");
      }
      const ProxyHeaderExtent extent = find_proxy_header(bytes_, options_.most_bytes);
      bytes_.resize(extent.size);
      receive(before, 0);
      is_complete = extent.is_complete;
    }
    return true;
  }

  const std::string& bytes() const noexcept { return bytes_; }

 private:
  /// What was received ahead.
  std::size_t take_received(std::span<std::byte> room, int flags) noexcept {
    return flags == MSG_PEEK ? stream_.peek_received(room) : stream_.take_received(room);
  }

  /// Into what bytes_ has from `position` on.
  std::size_t receive(std::size_t position, int flags) {
    const auto room = std::as_writable_bytes(std::span(bytes_).subspan(position));
    if (const std::size_t size = take_received(room, flags)) return size;
    const ssize_t size = net_detail::socket_call(
        [this] { return stream_.descriptor(); }, Direction::kRead, options_.deadline,
        [&] {
          return real::recv(stream_.descriptor(), bytes_.data() + position, room.size(),
                            MSG_DONTWAIT | flags);
        });
    if (size < 0) stream_.fail(kWhat);
    return static_cast<std::size_t>(size);
  }

  TcpStream& stream_;
  const ProxyHeaderOptions& options_;
  std::string bytes_;
};

/// What is taken out of the socket must be taken by the header's reader alone.
class ReceiveAheadPause {
 public:
  explicit ReceiveAheadPause(TcpStream& stream) noexcept
      : stream_(stream), was_on_(stream.receives_ahead()) {
    stream_.set_receive_ahead(false);
  }
  ~ReceiveAheadPause() {
    if (was_on_) stream_.set_receive_ahead(true);
  }
  ReceiveAheadPause(const ReceiveAheadPause&) = delete;
  ReceiveAheadPause& operator=(const ReceiveAheadPause&) = delete;

 private:
  TcpStream& stream_;
  const bool was_on_;
};

void check_peer(const TcpStream& stream, const std::vector<AddressRange>& trusted) {
  const Address peer = stream.peer_address();
  const auto has_peer = [&](const AddressRange& each) { return each.contains(peer); };
  if (std::none_of(trusted.begin(), trusted.end(), has_peer)) {
    net_detail::throw_error(EACCES, "take a PROXY header from somebody who is not trusted,", peer);
  }
}

/// Null as read_proxy_header's nothing. Not inlined, and its result not on the stack: what lies in
/// the frames below a handler is copied at each switch of a shared stack.
[[gnu::noinline]] std::unique_ptr<const ProxyHeader> take_header(TcpStream& stream,
                                                                 const TrustedProxies& trusted) {
  check_peer(stream, trusted.from);
  std::optional<ProxyHeader> header = read_proxy_header(
      stream, {.deadline = Deadline::after(trusted.timeout), .most_bytes = trusted.most_bytes});
  return header ? std::make_unique<const ProxyHeader>(std::move(*header)) : nullptr;
}

}  // namespace

std::optional<ProxyHeader> read_proxy_header(TcpStream& stream, const ProxyHeaderOptions& options) {
  HeaderReading reading(stream, options);
  const ReceiveAheadPause pause(stream);
  try {
    if (!reading.read()) return std::nullopt;
    return parse_proxy_header(reading.bytes());
  } catch (const ProxyHeaderError& error) {
    throw ProxyHeaderError(error.position(), error.problem(), stream.peer_address().to_string());
  }
}

TcpServer::Handler behind_proxy(TrustedProxies trusted,
                                std::function<void(TcpStream&, const ProxyHeader&)> handler) {
  if (trusted.from.empty()) {
    throw std::invalid_argument("behind_proxy needs to know where the proxies are");
  }
  return [trusted = std::move(trusted), handler = std::move(handler)](TcpStream& stream) {
    if (const auto header = take_header(stream, trusted)) handler(stream, *header);
  };
}

}  // namespace colibri
