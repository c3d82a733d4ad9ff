// Echo by TLS on net: docs/net.md's server as a program.
//
//   colibri_tls_server --certificate CHAIN.pem --key KEY.pem [--host 127.0.0.1] [--port 0]
#include <array>
#include <cstdio>
#include <exception>
#include <string>

#include "bench/baseline/command_line.h"
#include "colibri/net.h"
#include "colibri/net/tls_stream.h"

namespace bench {
namespace {

void echo(colibri::TlsStream& stream) {
  std::array<std::byte, 4096> buffer;
  while (const std::size_t size = stream.read_some(buffer)) {
    stream.write_all(std::span(buffer).first(size));
  }
}

void serve(int argc, char** argv) {
  CommandLine line(argc, argv);
  const std::string host = line.text("--host", "127.0.0.1");
  const auto port = static_cast<std::uint16_t>(line.number("--port", 0, 0, 65'535));
  const colibri::TlsCertificate certificate{line.text("--certificate", ""), line.text("--key", "")};
  line.finish();
  const colibri::TlsServerContext context({.certificate = certificate});
  colibri::TcpServer server(host + ':' + std::to_string(port), [context](colibri::TcpStream& tcp) {
    colibri::TlsStream stream = colibri::TlsStream::accept(std::move(tcp), context);
    echo(stream);
  });
  std::printf("listening on %s\n", server.address().to_string().c_str());
  std::fflush(stdout);
  server.run();
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  try {
    return colibri::run([&] { bench::serve(argc, argv); });
  } catch (const std::exception& error) {
    std::fprintf(stderr, "colibri_tls_server: %s\n", error.what());
    return 1;
  }
}
