// Every call that reads, and every call that writes, behind one signature each: rows of tables.
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <string>

#include "test/support/libc_parity.h"

namespace colibri::test {

/// A call that reads into `size` bytes at `buffer`. Flags count only where they exist.
struct Reader {
  const char* name;
  bool has_flags;
  ssize_t (*call)(const Libc&, int descriptor, void* buffer, std::size_t size, int flags);
};

/// The same for writing.
struct Writer {
  const char* name;
  bool has_flags;
  ssize_t (*call)(const Libc&, int descriptor, const void* buffer, std::size_t size, int flags);
};

/// `size` bytes at `buffer` as two pieces, so that vectored calls have something to do.
struct TwoPieces {
  TwoPieces(const void* buffer, std::size_t size)
      : pieces{{const_cast<void*>(buffer), size / 2},
               {static_cast<char*>(const_cast<void*>(buffer)) + size / 2, size - size / 2}} {}
  msghdr message() noexcept {
    msghdr message{};
    message.msg_iov = pieces;
    message.msg_iovlen = 2;
    return message;
  }
  iovec pieces[2];
};

inline constexpr Reader kReaders[] = {
    {"read", false,
     [](const Libc& libc, int descriptor, void* buffer, std::size_t size, int) {
       return libc.read(descriptor, buffer, size);
     }},
    {"readv", false,
     [](const Libc& libc, int descriptor, void* buffer, std::size_t size, int) {
       const TwoPieces two(buffer, size);
       return libc.readv(descriptor, two.pieces, 2);
     }},
    {"read_chk", false,
     [](const Libc& libc, int descriptor, void* buffer, std::size_t size, int) {
       return libc.fortified.read(descriptor, buffer, size, size);
     }},
    {"recv", true,
     [](const Libc& libc, int descriptor, void* buffer, std::size_t size, int flags) {
       return libc.recv(descriptor, buffer, size, flags);
     }},
    {"recvfrom", true,
     [](const Libc& libc, int descriptor, void* buffer, std::size_t size, int flags) {
       return libc.recvfrom(descriptor, buffer, size, flags, nullptr, nullptr);
     }},
    {"recvmsg", true,
     [](const Libc& libc, int descriptor, void* buffer, std::size_t size, int flags) {
       TwoPieces two(buffer, size);
       msghdr message = two.message();
       return libc.recvmsg(descriptor, &message, flags);
     }},
    {"recv_chk", true,
     [](const Libc& libc, int descriptor, void* buffer, std::size_t size, int flags) {
       return libc.fortified.recv(descriptor, buffer, size, size, flags);
     }},
    {"recvfrom_chk", true,
     [](const Libc& libc, int descriptor, void* buffer, std::size_t size, int flags) {
       return libc.fortified.recvfrom(descriptor, buffer, size, size, flags, nullptr, nullptr);
     }},
};

inline constexpr Writer kWriters[] = {
    {"write", false,
     [](const Libc& libc, int descriptor, const void* buffer, std::size_t size, int) {
       return libc.write(descriptor, buffer, size);
     }},
    {"writev", false,
     [](const Libc& libc, int descriptor, const void* buffer, std::size_t size, int) {
       const TwoPieces two(buffer, size);
       return libc.writev(descriptor, two.pieces, 2);
     }},
    {"send", true,
     [](const Libc& libc, int descriptor, const void* buffer, std::size_t size, int flags) {
       return libc.send(descriptor, buffer, size, flags);
     }},
    {"sendto", true,
     [](const Libc& libc, int descriptor, const void* buffer, std::size_t size, int flags) {
       return libc.sendto(descriptor, buffer, size, flags, nullptr, 0);
     }},
    {"sendmsg", true,
     [](const Libc& libc, int descriptor, const void* buffer, std::size_t size, int flags) {
       TwoPieces two(buffer, size);
       const msghdr message = two.message();
       return libc.sendmsg(descriptor, &message, flags);
     }},
};

/// Reads up to `size` bytes and notes the result and what came.
inline void receive(Session& session, const Reader& reader, int descriptor, std::size_t size,
                    int flags = 0) {
  std::string buffer(size, '.');
  const ssize_t count = session.measure(
      [&] { return reader.call(session.libc, descriptor, buffer.data(), buffer.size(), flags); });
  if (count <= 0) return;
  session.append(buffer.substr(0, std::min(size, static_cast<std::size_t>(count))));
}

/// The same with a plain read.
inline void try_read(Session& session, int descriptor, std::size_t size = 100) {
  receive(session, kReaders[0], descriptor, size);
}

/// Writes `text` and notes the result.
inline ssize_t transmit(Session& session, const Writer& writer, int descriptor,
                        const std::string& text, int flags = 0) {
  return session.measure(
      [&] { return writer.call(session.libc, descriptor, text.data(), text.size(), flags); });
}

}  // namespace colibri::test
