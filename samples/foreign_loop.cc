// Coroutines on a thread that another event loop owns: here, Asio's.
//
//   bazel run --config=opt //samples:foreign_loop
//
// The loop watches one descriptor of the scheduler's and calls poll_once; it knows nothing else of
// colibri. libuv, GLib and Qt do the same with a uv_poll_t, a GSource and a QSocketNotifier. The
// coroutine blocks as it likes, and Asio's own timers and sockets go on. Prints:
//
// Asio: wrote ping 1
// coroutine: read ping 1, and slept on it
// Asio: read pong 1
// Asio: wrote ping 2
// coroutine: read ping 2, and slept on it
// Asio: read pong 2
// coroutine: the end of the stream
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstdio>

#include "colibri/colibri.h"

namespace {

namespace asio = boost::asio;
using boost::system::error_code;

/// Lets `context` drive a scheduler until its coroutines have ended.
class SchedulerInAsio {
 public:
  explicit SchedulerInAsio(asio::io_context& context) : descriptor_(context) {
    descriptor_.assign(scheduler_.descriptor());
  }
  // It is the scheduler's to close.
  ~SchedulerInAsio() { descriptor_.release(); }

  void poll() {
    scheduler_.poll_once();
    if (scheduler_.alive() == 0) return;
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read, [this](error_code error) {
      if (!error) poll();
    });
  }

 private:
  colibri::DrivenScheduler scheduler_;
  asio::posix::stream_descriptor descriptor_;
};

/// Asio's side: callbacks. Writes numbers, waits for each to come back, and closes after two.
class Client {
 public:
  Client(asio::io_context& context, int socket)
      : timer_(context), socket_(context, asio::local::stream_protocol(), socket) {}

  void start() {
    timer_.expires_after(std::chrono::milliseconds(5));
    timer_.async_wait([this](error_code) { write(); });
  }

 private:
  void write() {
    std::printf("Asio: wrote ping %c\n", number_);
    asio::write(socket_, asio::buffer(&number_, 1));
    socket_.async_read_some(asio::buffer(&answer_, 1), [this](error_code, std::size_t) { read(); });
  }

  void read() {
    std::printf("Asio: read pong %c\n", answer_);
    if (number_++ == '2') return socket_.close();
    start();
  }

  asio::steady_timer timer_;
  asio::local::stream_protocol::socket socket_;
  char number_ = '1';
  char answer_ = 0;
};

/// colibri's side: plain blocking calls.
void serve(int socket) {
  char number = 0;
  while (read(socket, &number, 1) == 1) {
    usleep(5'000);
    std::printf("coroutine: read ping %c, and slept on it\n", number);
    if (write(socket, &number, 1) != 1) break;
  }
  std::printf("coroutine: the end of the stream\n");
  close(socket);
}

}  // namespace

int main() {
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0) return 1;
  asio::io_context context;
  SchedulerInAsio scheduler(context);
  Client client(context, sockets[0]);
  colibri::go([socket = sockets[1]] { serve(socket); });
  scheduler.poll();
  client.start();
  context.run();
}
