// The echo server on Boost.Fiber over Boost.Asio: a fiber for each connection, all on one thread.
//
//   fiber_server [--host 127.0.0.1] [--port 0] [--buffer-bytes 4096]
//
// Boost ships the bridge between the two only as an example of two hundred lines, for any number of
// threads. On one thread it is short: an operation suspends its fiber until the handler has put it
// back to the ready ones, and the main fiber runs a handler, then the ready fibers, and so on.

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/fiber/algo/round_robin.hpp>
#include <boost/fiber/context.hpp>
#include <boost/fiber/fiber.hpp>
#include <boost/fiber/operations.hpp>
#include <boost/fiber/protected_fixedsize_stack.hpp>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "bench/baseline/server_setup.h"

namespace bench {
namespace {

namespace asio = boost::asio;
namespace fibers = boost::fibers;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kStackBytes = 64 * 1024;

// The default order, with a count of the fibers that are ready. Boost's own answer counts its
// dispatcher too, which always is.
class CountingRoundRobin : public fibers::algo::round_robin {
 public:
  void awakened(fibers::context* context) noexcept override {
    if (!context->is_context(fibers::type::dispatcher_context)) ++ready;
    round_robin::awakened(context);
  }
  fibers::context* pick_next() noexcept override {
    fibers::context* const next = round_robin::pick_next();
    if (next != nullptr && !next->is_context(fibers::type::dispatcher_context)) --ready;
    return next;
  }

  static inline std::size_t ready = 0;
};

struct Completion {
  error_code error;
  std::size_t size = 0;
};

// Parks the calling fiber until the operation that `start` begins has called its handler.
template <typename Start>
Completion await(Start start) {
  Completion completion;
  fibers::context* const self = fibers::context::active();
  bool done = false;
  start([&, self](const error_code& error, std::size_t size = 0) {
    completion = {error, size};
    done = true;
    fibers::context::active()->schedule(self);
  });
  while (!done) self->suspend();
  return completion;
}

void serve(tcp::socket socket, std::size_t buffer_bytes) {
  std::vector<char> buffer(buffer_bytes);
  for (;;) {
    const auto [read_error, size] = await(
        [&](auto handler) { socket.async_read_some(asio::buffer(buffer), std::move(handler)); });
    if (read_error) return;
    const auto reply = asio::buffer(buffer.data(), size);
    const auto [write_error, written] =
        await([&](auto handler) { asio::async_write(socket, reply, std::move(handler)); });
    if (write_error) return;
  }
}

void accept_for_ever(tcp::acceptor& acceptor, std::size_t buffer_bytes) {
  for (;;) {
    tcp::socket socket(acceptor.get_executor());
    const auto [error, unused] =
        await([&](auto handler) { acceptor.async_accept(socket, std::move(handler)); });
    if (error) throw boost::system::system_error(error, "accept");
    socket.set_option(tcp::no_delay(true));
    fibers::fiber(std::allocator_arg, fibers::protected_fixedsize_stack(kStackBytes), serve,
                  std::move(socket), buffer_bytes)
        .detach();
  }
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  const auto options = bench::parse_server_options(argc, argv);
  boost::fibers::use_scheduling_algorithm<bench::CountingRoundRobin>();
  boost::asio::io_context context(1);  // one thread
  boost::asio::ip::tcp::acceptor acceptor(context, boost::asio::ip::tcp::v4(),
                                          bench::listen_and_announce(options));
  // Between a handler and its fiber's next operation there is no work, which would end the context.
  const auto work = boost::asio::make_work_guard(context);
  boost::fibers::fiber([&] { bench::accept_for_ever(acceptor, options.buffer_bytes); }).detach();
  for (;;) {
    do {
      boost::this_fiber::yield();
    } while (bench::CountingRoundRobin::ready > 0);
    context.run_one();  // may wait: only a handler can wake a fiber now
  }
}
