#include "colibri/net/transfer.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/sendfile.h>

#include <algorithm>
#include <memory>

#include "colibri/core/libc.h"
#include "colibri/net/net_error.h"

namespace colibri {
namespace {

using net_detail::CallDeadline;
using net_detail::socket_call;
using net_detail::throw_error;

/// The most that goes in one call: so that others have their turn, and no file of any size
/// overflows what calls count with.
constexpr std::uint64_t kMostAtOnce = 1 << 20;

/// What is no more is copied through the process in two calls, where a splice takes six and two
/// descriptors: with 64 bytes a message that is 0.7 of the CPU time.
constexpr std::size_t kFew = 16 << 10;

/// A pipe for pages on their way. Both ends do not block.
struct Pipe {
  Pipe() {
    int ends[2];
    if (real::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0)
      throw_error(errno, "make a pipe to copy by");
    out = OwnedDescriptor(ends[0]);
    in = OwnedDescriptor(ends[1]);
  }
  OwnedDescriptor out;
  OwnedDescriptor in;
};

/// Makes a call for which there is no MSG_NOSIGNAL: where the peer is gone it raises SIGPIPE for
/// this thread, which is taken away again, unless it was on its way before.
template <class Call>
ssize_t without_signal(Call call) {
  sigset_t broken_pipe;
  sigset_t pending;
  sigset_t previous;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  real::pthread_sigmask(SIG_BLOCK, &broken_pipe, &previous);
  sigpending(&pending);
  const ssize_t result = call();
  const int error = errno;
  if (result < 0 && error == EPIPE && sigismember(&pending, SIGPIPE) == 0) {
    const timespec at_once{};
    real::sigtimedwait(&broken_pipe, nullptr, &at_once);
  }
  real::pthread_sigmask(SIG_SETMASK, &previous, nullptr);
  errno = error;
  return result;
}

/// The pages of `pipe` that are on their way to the stream.
void empty(const Pipe& pipe, StreamSocket& to, std::size_t size) {
  CallDeadline deadline(to.timeouts().write);
  while (size != 0) {
    const ssize_t moved = socket_call(
        [&] { return to.descriptor(); }, Direction::kWrite, CallDeadline(deadline.get()),
        [&] {
          return without_signal([&] {
            return real::splice(pipe.out.number(), nullptr, to.descriptor(), nullptr, size,
                                SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
          });
        });
    if (moved < 0) to.fail("write to");
    size -= static_cast<std::size_t>(moved);
  }
}

/// Moves what is there, `most` at the most: how many bytes, 0 at the end.
std::size_t splice_some(StreamSocket& from, StreamSocket& to, const Pipe& pipe, std::size_t most) {
  const ssize_t moved = socket_call(
      [&] { return from.descriptor(); }, Direction::kRead, CallDeadline(from.timeouts().idle),
      [&] {
        return real::splice(from.descriptor(), nullptr, pipe.in.number(), nullptr, most,
                            SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
      });
  if (moved < 0) from.fail("read from");
  empty(pipe, to, static_cast<std::size_t>(moved));
  return static_cast<std::size_t>(moved);
}

}  // namespace

std::uint64_t send_file(StreamSocket& to, int descriptor, std::uint64_t offset,
                        std::uint64_t size) {
  CallDeadline deadline(to.timeouts().write);
  auto position = static_cast<off64_t>(offset);
  std::uint64_t sent = 0;
  while (sent != size) {
    const std::size_t step = std::min(size - sent, kMostAtOnce);
    const ssize_t moved = net_detail::socket_call(
        [&] { return to.descriptor(); }, Direction::kWrite, CallDeadline(deadline.get()),
        [&] {
          return without_signal(
              [&] { return real::sendfile64(to.descriptor(), descriptor, &position, step); });
        });
    if (moved < 0) to.fail("send a file to");
    if (moved == 0) break;
    sent += static_cast<std::uint64_t>(moved);
  }
  return sent;
}

std::uint64_t copy(StreamSocket& from, StreamSocket& to, std::optional<std::uint64_t> limit) {
  from.set_receive_ahead(false);  // what it has received so far is read first
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(kFew);
  std::optional<Pipe> pipe;
  bool many = false;
  std::uint64_t copied = 0;
  while (!limit || copied != *limit) {
    std::uint64_t step = many ? kMostAtOnce : kFew;
    if (limit) step = std::min(*limit - copied, step);
    std::size_t moved = 0;
    if (many) {
      if (!pipe) pipe.emplace();
      moved = splice_some(from, to, *pipe, step);
    } else {
      moved = from.read_some({buffer.get(), step});
      to.write_all({buffer.get(), moved});
    }
    if (moved == 0) break;
    many = moved >= kFew && !from.has_received_ahead();
    copied += moved;
  }
  return copied;
}

}  // namespace colibri
