// A TcpServer that runs while a test's scope lasts, and what tests have it do.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "colibri/net/tcp_server.h"
#include "test/net/loopback.h"
#include "test/net/running.h"

namespace colibri::test {

/// A handler that sends back whatever comes.
inline void echo(TcpStream& stream) {
  std::array<std::byte, 4096> buffer;
  while (const std::size_t size = stream.read_some(buffer)) {
    stream.write_all(std::span(buffer).first(size));
  }
}

/// True if `text` comes back.
inline bool echoes(TcpStream& stream, const std::string& text) {
  stream.write_all(text);
  return read_text(stream, text.size()) == text;
}

/// Serves 127.0.0.1, unless told otherwise.
class RunningServer : public Running<TcpServer> {
 public:
  explicit RunningServer(TcpServer::Handler handler, const TcpServerOptions& options = {},
                         const Address& address = "127.0.0.1:0")
      : Running(std::make_unique<TcpServer>(address, std::move(handler), options)) {}

  TcpStream connect() const { return TcpStream::connect(address()); }
};

}  // namespace colibri::test
