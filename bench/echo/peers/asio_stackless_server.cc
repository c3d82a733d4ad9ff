// The echo server on Boost.Asio with C++20 coroutines: co_spawn for each connection.
//
//   asio_stackless_server [--host 127.0.0.1] [--port 0] [--buffer-bytes 4096]

#include <utility>  // first: Boost 1.74's awaitable.hpp uses std::exchange without it

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cstddef>
#include <exception>
#include <vector>

#include "bench/baseline/server_setup.h"

namespace bench {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

asio::awaitable<void> serve(tcp::socket socket, std::size_t buffer_bytes) {
  std::vector<char> buffer(buffer_bytes);
  try {
    for (;;) {
      const std::size_t size =
          co_await socket.async_read_some(asio::buffer(buffer), asio::use_awaitable);
      co_await asio::async_write(socket, asio::buffer(buffer.data(), size), asio::use_awaitable);
    }
  } catch (const boost::system::system_error&) {
    // The peer has closed, and with the socket this connection ends.
  }
}

asio::awaitable<void> accept_for_ever(tcp::acceptor& acceptor, std::size_t buffer_bytes) {
  for (;;) {
    tcp::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
    socket.set_option(tcp::no_delay(true));
    asio::co_spawn(acceptor.get_executor(), serve(std::move(socket), buffer_bytes), asio::detached);
  }
}

// An exception of the acceptor ends the server with its message, not in silence.
void rethrow(const std::exception_ptr& exception) {
  if (exception) std::rethrow_exception(exception);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  const auto options = bench::parse_server_options(argc, argv);
  boost::asio::io_context context(1);  // one thread
  boost::asio::ip::tcp::acceptor acceptor(context, boost::asio::ip::tcp::v4(),
                                          bench::listen_and_announce(options));
  boost::asio::co_spawn(context, bench::accept_for_ever(acceptor, options.buffer_bytes),
                        bench::rethrow);
  context.run();
}
