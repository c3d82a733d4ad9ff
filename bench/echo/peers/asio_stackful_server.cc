// The echo server on Boost.Asio with stackful coroutines: boost::asio::spawn for each connection.
//
//   asio_stackful_server [--host 127.0.0.1] [--port 0] [--buffer-bytes 4096]

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/spawn.hpp>
#include <boost/asio/write.hpp>
#include <cstddef>
#include <utility>
#include <vector>

#include "bench/baseline/server_setup.h"

namespace bench {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

void serve(tcp::socket& socket, std::size_t buffer_bytes, const asio::yield_context& yield) {
  std::vector<char> buffer(buffer_bytes);
  boost::system::error_code error;
  for (;;) {
    const std::size_t size = socket.async_read_some(asio::buffer(buffer), yield[error]);
    if (error) return;
    asio::async_write(socket, asio::buffer(buffer.data(), size), yield[error]);
    if (error) return;
  }
}

void accept_for_ever(tcp::acceptor& acceptor, std::size_t buffer_bytes,
                     const asio::yield_context& yield) {
  for (;;) {
    tcp::socket socket(acceptor.get_executor());
    acceptor.async_accept(socket, yield);
    socket.set_option(tcp::no_delay(true));
    asio::spawn(acceptor.get_executor(),
                [socket = std::move(socket), buffer_bytes](const asio::yield_context& own) mutable {
                  serve(socket, buffer_bytes, own);
                });
  }
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  const auto options = bench::parse_server_options(argc, argv);
  boost::asio::io_context context(1);  // one thread
  boost::asio::ip::tcp::acceptor acceptor(context, boost::asio::ip::tcp::v4(),
                                          bench::listen_and_announce(options));
  boost::asio::spawn(context, [&](const boost::asio::yield_context& yield) {
    bench::accept_for_ever(acceptor, options.buffer_bytes, yield);
  });
  context.run();
}
