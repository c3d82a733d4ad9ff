// An echo server on net: TcpServer has the listening, the limits and the clean stop.
//
//   bazel run --config=opt //samples:echo_server -- --port 7777 --threads 2
//   listening on 127.0.0.1:7777
//
// Every connection has a coroutine of its own; those of one thread share it. The same without net,
// in textbook sockets: echo_server_posix.cc. Ctrl-C and SIGTERM stop the server. Behind a proxy,
// such as HAProxy with `send-proxy-v2`: --proxy 10.0.0.0/8; see samples/cluster.
#include <signal.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "colibri/net.h"

namespace {

// False when the peer has finished.
[[gnu::noinline]] bool echo_once(colibri::TcpStream& stream) {
  std::array<std::byte, 4096> buffer;
  const std::size_t size = stream.read_some(buffer);
  stream.write_all(std::span(buffer).first(size));
  return size != 0;
}

void echo(colibri::TcpStream& stream) {
  while (echo_once(stream)) {
  }
}

// Waits before the buffer is on the stack: on a shared stack, an idle connection then keeps some
// hundred bytes, and not four thousand more.
void echo_wait_first(colibri::TcpStream& stream) {
  do stream.wait_readable();
  while (echo_once(stream));
}

// Serves only what comes from proxies, if there are some.
colibri::TcpServer::Handler make_handler(bool wait_first, const std::vector<std::string>& proxies) {
  const auto handler = wait_first ? echo_wait_first : echo;
  if (proxies.empty()) return handler;
  return colibri::behind_proxy(
      {.from = {proxies.begin(), proxies.end()}},
      [handler](colibri::TcpStream& stream, const colibri::ProxyHeader&) { handler(stream); });
}

void raise_descriptor_limit() {
  rlimit descriptors{};
  getrlimit(RLIMIT_NOFILE, &descriptors);
  descriptors.rlim_cur = descriptors.rlim_max;
  setrlimit(RLIMIT_NOFILE, &descriptors);
}

}  // namespace

int main(int argc, char** argv) {
  std::string host = "127.0.0.1";
  std::uint16_t port = 7777;
  std::size_t stack_kb = 0;
  std::int64_t drain_seconds = 0;
  bool wait_first = false;
  std::vector<std::string> proxies;
  colibri::TcpServerOptions options{.stop_signals = {SIGINT, SIGTERM}};
  CLI::App app("Echoes every byte that it receives.");
  app.add_option("--host", host, "IPv4 or [IPv6] address to listen on")->capture_default_str();
  app.add_option("--port", port, "port to listen on; 0: any free one")->capture_default_str();
  app.add_option("--threads", options.threads, "0: one a processor")->capture_default_str();
  app.add_option("--stack-kb", stack_kb, "private stack of a connection, KiB; else COLIBRI_STACK")
      ->check(CLI::Range(16, 65536));
  app.add_flag("--wait-first", wait_first, "wait for bytes before each read");
  app.add_flag("--receive-ahead", options.receive_ahead, "on io_uring; see TcpServerOptions");
  app.add_option("--drain", drain_seconds, "seconds that connections may go on after a SIGTERM")
      ->check(CLI::Range(0, 86400));
  app.add_option("--proxy", proxies, "PROXY protocol, from these hosts or networks alone");
  CLI11_PARSE(app, argc, argv);
  options.drain = std::chrono::seconds(drain_seconds);
  options.connection.stack_bytes = stack_kb * 1024;
  raise_descriptor_limit();

  try {
    return colibri::run([&] {
      colibri::TcpServer server(host + ':' + std::to_string(port),
                                make_handler(wait_first, proxies), options);
      std::printf("listening on %s\n", server.address().to_string().c_str());
      std::fflush(stdout);
      server.run();
    });
  } catch (const std::exception& error) {
    std::fprintf(stderr, "echo_server: %s\n", error.what());
    return 1;
  }
}
