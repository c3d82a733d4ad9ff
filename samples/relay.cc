// A TCP relay: whoever connects to it is connected to another server, and what either side sends
// goes to the other.
//
//   bazel run --config=opt //samples:relay -- --port 8000 --to 127.0.0.1:7777
//   listening on 127.0.0.1:8000
//
// Each connection has two coroutines, one a direction. When one side ends, the other is told and
// may go on; when one fails, both are closed. Ctrl-C and SIGTERM stop it when the connections have
// ended, after ten seconds at the latest. Without --to it relays to an echo server of its own, and
// prints:
//
// 1048576 bytes there and back, all the same
#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "colibri/net.h"

namespace {

using namespace std::chrono_literals;

using Stream = std::shared_ptr<colibri::TcpStream>;  // of two coroutines, so not on a stack

void relay_one_way(const Stream& from, const Stream& to) {
  colibri::copy(*from, *to);
  to->shutdown_write();
}

void relay(colibri::TcpStream& stream, const colibri::Address& address) {
  const auto client = std::make_shared<colibri::TcpStream>(std::move(stream));
  const auto server = std::make_shared<colibri::TcpStream>(
      colibri::TcpStream::connect(address, colibri::Deadline::after(5s)));
  colibri::TaskGroup directions;
  directions.spawn(relay_one_way, client, server);
  directions.spawn(relay_one_way, server, client);
  directions.join();
}

void echo(colibri::TcpStream& stream) {
  const auto buffer = std::make_unique<std::byte[]>(4096);
  while (const std::size_t size = stream.read_some({buffer.get(), 4096}))
    stream.write_all({buffer.get(), size});
}

void try_out() {
  colibri::TcpServer echo_server("127.0.0.1:0", echo);
  const colibri::Address address = echo_server.address();
  colibri::TcpServer server("127.0.0.1:0",
                            [address](colibri::TcpStream& stream) { relay(stream, address); });
  auto echoing = colibri::spawn([&] { echo_server.run(); });
  auto relaying = colibri::spawn([&] { server.run(); });

  const auto stream =
      std::make_shared<colibri::TcpStream>(colibri::TcpStream::connect(server.address()));
  std::vector<std::byte> sent(1 << 20);
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<std::byte>(i / 255);
  auto writing = colibri::spawn([stream, &sent] {
    stream->write_all(sent);
    stream->shutdown_write();
  });
  std::vector<std::byte> received(sent.size());
  stream->read_exactly(received);
  writing.join();
  std::printf("%zu bytes there and back, %s\n", received.size(),
              received == sent ? "all the same" : "but not the same");
  stream->close();

  server.stop();
  echo_server.stop();
  relaying.join();
  echoing.join();
}

}  // namespace

int main(int argc, char** argv) {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8000;
  std::string to;
  colibri::TcpServerOptions options{.stop_signals = {SIGINT, SIGTERM}};
  CLI::App app("Relays TCP connections to another server.");
  app.add_option("--host", host, "IPv4 or [IPv6] address to listen on")->capture_default_str();
  app.add_option("--port", port, "port to listen on; 0: any free one")->capture_default_str();
  app.add_option("--to", to, "address and port to relay to; without it, a trial");
  app.add_option("--threads", options.threads, "0: one a processor")->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  try {
    return colibri::run([&] {
      if (to.empty()) return try_out();
      colibri::TcpServer server(
          host + ':' + std::to_string(port),
          [address = colibri::Address(to)](colibri::TcpStream& stream) { relay(stream, address); },
          options);
      std::printf("listening on %s\n", server.address().to_string().c_str());
      std::fflush(stdout);
      server.run();
    });
  } catch (const std::exception& error) {
    std::fprintf(stderr, "relay: %s\n", error.what());
    return 1;
  }
}
