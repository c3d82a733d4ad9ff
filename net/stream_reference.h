// StreamReference: a stream of whatever kind, for those who only read and write.
#pragma once

#include <sys/uio.h>

#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

namespace colibri {

class StreamReference;

/// TcpStream, UnixStream, TlsStream, and what else reads and writes as they do. Not a reference: a
/// copy of one refers to the same stream.
template <class Stream>
concept ByteStream = !std::same_as<std::remove_const_t<Stream>, StreamReference> &&
                     requires(Stream & stream, std::span<std::byte> room,
                              std::span<const std::byte> bytes, std::string_view what) {
  { stream.read_some(room) } -> std::same_as<std::size_t>;
  { stream.try_read_some(room) } -> std::same_as<std::optional<std::size_t>>;
  stream.write_all(bytes);
  stream.fail(what);
};

/// Refers to a stream, which must outlive it and stay where it is. A value; the stream's rules hold
/// for its methods.
class StreamReference {
 public:
  template <ByteStream Stream>
  StreamReference(Stream& stream) noexcept  // NOLINT(google-explicit-constructor)
      : stream_(&stream), calls_(&kCalls<Stream>) {}

  std::size_t read_some(std::span<std::byte> buffer) const {
    return calls_->read_some(stream_, buffer);
  }
  std::optional<std::size_t> try_read_some(std::span<std::byte> buffer) const {
    return calls_->try_read_some(stream_, buffer);
  }
  void write_all(std::span<const std::byte> bytes) const { calls_->write_all(stream_, bytes, {}); }
  /// The one, and then the other; in one call, where the stream can do that.
  void write_both(std::span<const std::byte> first, std::span<const std::byte> second) const {
    calls_->write_all(stream_, first, second);
  }
  /// Throws std::system_error with errno, saying `what` was done to this peer.
  [[noreturn]] void fail(std::string_view what) const {
    calls_->fail(stream_, what);
    __builtin_unreachable();
  }

 private:
  using Bytes = std::span<const std::byte>;
  struct Calls {
    std::size_t (*read_some)(void* stream, std::span<std::byte> buffer);
    std::optional<std::size_t> (*try_read_some)(void* stream, std::span<std::byte> buffer);
    void (*write_all)(void* stream, Bytes first, Bytes second);
    void (*fail)(void* stream, std::string_view what);
  };

  template <class Stream>
  static void write(Stream& stream, Bytes first, Bytes second) {
    if (second.empty()) return stream.write_all(first);
    if constexpr (requires(std::span<const iovec> both) { stream.write_all(both); }) {
      const auto piece = [](Bytes bytes) {
        return iovec{const_cast<std::byte*>(bytes.data()), bytes.size()};
      };
      const std::array<iovec, 2> both{piece(first), piece(second)};
      stream.write_all(std::span<const iovec>(both));
    } else {
      stream.write_all(first);
      stream.write_all(second);
    }
  }

  template <class Stream>
  static constexpr Calls kCalls{
      [](void* stream, std::span<std::byte> buffer) {
        return static_cast<Stream*>(stream)->read_some(buffer);
      },
      [](void* stream, std::span<std::byte> buffer) {
        return static_cast<Stream*>(stream)->try_read_some(buffer);
      },
      [](void* stream, Bytes first, Bytes second) {
        write(*static_cast<Stream*>(stream), first, second);
      },
      [](void* stream, std::string_view what) { static_cast<Stream*>(stream)->fail(what); }};

  void* stream_;
  const Calls* calls_;
};

}  // namespace colibri
