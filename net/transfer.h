// Moving bytes without copying them through the process: files into streams, streams into streams.
#pragma once

#include <cstdint>
#include <optional>

#include "colibri/net/stream_socket.h"

namespace colibri {

/// Sends `size` bytes of the file `descriptor` from `offset` on (sendfile): how many there were,
/// fewer if the file ends before. The file's own offset stays as it is. What is not in the page
/// cache is read from the disk meanwhile, which blocks the thread. Errors and the write time-out
/// are those of StreamSocket::write_all; an error of the file's is thrown, too.
std::uint64_t send_file(StreamSocket& to, int descriptor, std::uint64_t offset, std::uint64_t size);

/// Sends what one stream receives to the other, until the first ends: how many bytes that was.
/// While much comes at once it does not pass through the process (splice, by a pipe of the
/// kernel's, which takes two descriptors). Does not end the other one: see shutdown_write. Errors
/// and time-outs are those of reading and of writing; what was received and not sent yet is lost
/// then. With `limit`, ends after so many bytes; nothing more has been received then. A stream that
/// receives ahead does so no more.
std::uint64_t copy(StreamSocket& from, StreamSocket& to,
                   std::optional<std::uint64_t> limit = std::nullopt);

}  // namespace colibri
