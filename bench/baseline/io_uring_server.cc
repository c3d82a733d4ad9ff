// The yardstick of the second engine: a single-threaded echo server on io_uring, as written by hand
// for speed.
//
//   io_uring_server [--host 127.0.0.1] [--port 0] [--buffer-bytes 4096]
//
// Connections are accepted and received from by requests that go on by themselves; the kernel puts
// what it receives into buffers of a common stock. What one batch of completions brings is answered
// by one system call, which sends all of it and waits for the next batch.
//
// A buffer is sent from as it is, and goes back to the stock when it has been sent. While a
// connection's last answer is on its way, further bytes wait for it in their buffers, so that the
// order is kept. When the stock is empty, receives end, and are asked for again with the next
// buffer that comes back: a peer that does not read holds up the others only as long as its
// buffers last, which a server that is more than a yardstick would have to bound.

#include <liburing.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "bench/baseline/server_setup.h"

namespace bench {
namespace {

constexpr unsigned kEntries = 4096;
constexpr unsigned kCompletions = 16384;
constexpr unsigned kBuffers = 1024;  // a power of two
constexpr int kGroup = 0;

enum class Kind : std::uint32_t { kAccept, kReceive, kSend };

// What is being sent, and what waits for that.
struct Piece {
  std::uint16_t buffer;
  std::uint32_t size;
};

struct Connection {
  std::vector<Piece> pieces;  // the first is on its way
  std::uint32_t sent = 0;     // of the first
  bool ended = false;         // nothing more is received: to be closed when all is sent
  bool wants_buffer = false;  // its receive ended for want of one
};

class IoUringServer {
 public:
  IoUringServer(int listener, const ServerOptions& options);
  [[noreturn]] void run();

 private:
  io_uring_sqe* entry(Kind kind, int fd);
  void accept();
  void receive(int fd);
  void send_first(int fd);
  void on_accept(const io_uring_cqe& completion);
  void on_receive(int fd, const io_uring_cqe& completion);
  void on_send(int fd, int result);
  void give_back(std::uint16_t buffer);
  void end(int fd);
  char* bytes(std::uint16_t buffer) { return memory_.data() + buffer * buffer_bytes_; }

  io_uring ring_;
  const int listener_;
  const std::size_t buffer_bytes_;
  std::vector<char> memory_;
  io_uring_buf_ring* buffers_ = nullptr;
  std::vector<Connection> connections_;  // by descriptor
  std::vector<int> hungry_;              // those that want a buffer
};

void check(int result, const char* what) {
  if (result >= 0) return;
  errno = -result;
  std::perror(what);
  std::exit(1);
}

IoUringServer::IoUringServer(int listener, const ServerOptions& options)
    : listener_(listener),
      buffer_bytes_(options.buffer_bytes),
      memory_(kBuffers * options.buffer_bytes) {
  io_uring_params parameters{};
  parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE;
  parameters.cq_entries = kCompletions;
  check(io_uring_queue_init_params(kEntries, &ring_, &parameters), "io_uring_queue_init_params");
  check(io_uring_register_ring_fd(&ring_), "io_uring_register_ring_fd");
  void* ring_memory = nullptr;
  if (posix_memalign(&ring_memory, 4096, kBuffers * sizeof(io_uring_buf)) != 0) std::abort();
  buffers_ = static_cast<io_uring_buf_ring*>(ring_memory);
  io_uring_buf_reg description{};
  description.ring_addr = reinterpret_cast<std::uintptr_t>(buffers_);
  description.ring_entries = kBuffers;
  description.bgid = kGroup;
  io_uring_buf_ring_init(buffers_);
  check(io_uring_register_buf_ring(&ring_, &description, 0), "io_uring_register_buf_ring");
  for (unsigned i = 0; i < kBuffers; ++i) give_back(static_cast<std::uint16_t>(i));
}

io_uring_sqe* IoUringServer::entry(Kind kind, int fd) {
  io_uring_sqe* entry = io_uring_get_sqe(&ring_);
  if (entry == nullptr) {
    check(io_uring_submit(&ring_), "io_uring_submit");
    entry = io_uring_get_sqe(&ring_);
  }
  entry->user_data = static_cast<std::uint64_t>(kind) << 32 | static_cast<std::uint32_t>(fd);
  return entry;
}

void IoUringServer::accept() {
  io_uring_sqe* sqe = entry(Kind::kAccept, listener_);
  const std::uint64_t data = sqe->user_data;
  io_uring_prep_multishot_accept(sqe, listener_, nullptr, nullptr, SOCK_CLOEXEC);
  sqe->user_data = data;
}

void IoUringServer::receive(int fd) {
  io_uring_sqe* sqe = entry(Kind::kReceive, fd);
  const std::uint64_t data = sqe->user_data;
  io_uring_prep_recv_multishot(sqe, fd, nullptr, 0, 0);
  sqe->user_data = data;
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = kGroup;
}

void IoUringServer::send_first(int fd) {
  Connection& connection = connections_[static_cast<std::size_t>(fd)];
  const Piece& piece = connection.pieces.front();
  io_uring_sqe* sqe = entry(Kind::kSend, fd);
  const std::uint64_t data = sqe->user_data;
  io_uring_prep_send(sqe, fd, bytes(piece.buffer) + connection.sent, piece.size - connection.sent,
                     MSG_NOSIGNAL);
  sqe->user_data = data;
}

void IoUringServer::run() {
  accept();
  for (;;) {
    // EINTR comes after a stop and continue.
    io_uring_submit_and_wait(&ring_, 1);
    io_uring_cqe* completion = nullptr;
    unsigned head = 0;
    unsigned count = 0;
    io_uring_for_each_cqe(&ring_, head, completion) {
      ++count;
      const int fd = static_cast<int>(completion->user_data & 0xffffffff);
      switch (static_cast<Kind>(completion->user_data >> 32)) {
        case Kind::kAccept:
          on_accept(*completion);
          break;
        case Kind::kReceive:
          on_receive(fd, *completion);
          break;
        case Kind::kSend:
          on_send(fd, completion->res);
          break;
      }
    }
    io_uring_cq_advance(&ring_, count);
  }
}

void IoUringServer::on_accept(const io_uring_cqe& completion) {
  if ((completion.flags & IORING_CQE_F_MORE) == 0) accept();
  if (completion.res < 0) return;
  const int fd = completion.res;
  set_no_delay(fd);
  const auto index = static_cast<std::size_t>(fd);
  if (connections_.size() <= index) connections_.resize(index + 1);
  connections_[index] = Connection();
  receive(fd);
}

void IoUringServer::on_receive(int fd, const io_uring_cqe& completion) {
  Connection& connection = connections_[static_cast<std::size_t>(fd)];
  if (completion.res > 0) {
    const auto buffer = static_cast<std::uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
    connection.pieces.push_back({buffer, static_cast<std::uint32_t>(completion.res)});
    if (connection.pieces.size() == 1) send_first(fd);
  }
  if ((completion.flags & IORING_CQE_F_MORE) != 0) return;
  if (completion.res > 0) {
    receive(fd);
  } else if (completion.res == -ENOBUFS) {
    hungry_.push_back(fd);
  } else {
    connection.ended = true;
    if (connection.pieces.empty()) end(fd);
  }
}

void IoUringServer::on_send(int fd, int result) {
  Connection& connection = connections_[static_cast<std::size_t>(fd)];
  const Piece piece = connection.pieces.front();
  if (result >= 0) connection.sent += static_cast<std::uint32_t>(result);
  if (result >= 0 && connection.sent < piece.size) return send_first(fd);
  connection.sent = 0;
  connection.pieces.erase(connection.pieces.begin());
  give_back(piece.buffer);
  if (!connection.pieces.empty()) return send_first(fd);
  if (connection.ended) end(fd);
}

void IoUringServer::give_back(std::uint16_t buffer) {
  io_uring_buf_ring_add(buffers_, bytes(buffer), static_cast<unsigned>(buffer_bytes_), buffer,
                        static_cast<int>(kBuffers) - 1, 0);
  io_uring_buf_ring_advance(buffers_, 1);
  if (hungry_.empty()) return;
  receive(hungry_.back());
  hungry_.pop_back();
}

void IoUringServer::end(int fd) {
  close(fd);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  const auto options = bench::parse_server_options(argc, argv);
  const int listener = bench::listen_and_announce(options);
  bench::IoUringServer(listener, options).run();
}
