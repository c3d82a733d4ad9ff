#include "test/load/scripted_server.h"

#include <algorithm>
#include <array>
#include <string>

#include "colibri/core/run.h"
#include "colibri/net/buffered.h"
#include "colibri/net/tcp_server.h"
#include "colibri/net/tls_stream.h"

namespace colibri::test {

ScriptedServer::ScriptedServer(Script script, std::optional<TlsServerContext> tls) {
  auto started = started_.get_future();
  thread_ = std::thread([this, script = std::move(script), tls = std::move(tls)] {
    colibri::run([&] { run(script, tls); });
  });
  stop_ = started.get();
}

ScriptedServer::~ScriptedServer() {
  stop_();
  thread_.join();
}

void ScriptedServer::run(const Script& script, const std::optional<TlsServerContext>& tls) {
  auto serve = [&](TcpStream& stream) {
    if (!tls) return script(stream);
    TlsStream secured = TlsStream::accept(std::move(stream), *tls);
    script(secured);
  };
  TcpServer server("127.0.0.1:0", serve, {.drain = std::chrono::milliseconds(0)});
  port_ = server.address().port();
  started_.set_value([&server] { server.stop(); });
  server.run();
}

void echo_script(StreamReference stream) {
  std::array<std::byte, 4096> buffer;
  while (const std::size_t size = stream.read_some(buffer)) {
    stream.write_all(std::span(buffer).first(size));
  }
}

struct HttpRequests::State {
  BufferedReader reader;
};

HttpRequests::HttpRequests(StreamReference stream) : state_(new State{BufferedReader(stream)}) {}
HttpRequests::~HttpRequests() = default;

bool HttpRequests::read_one() {
  BufferedReader& reader = state_->reader;
  const std::string head(reader.read_until("\r\n\r\n"));
  if (head.empty()) return false;
  constexpr std::string_view kLength = "Content-Length: ";
  const auto at = head.find(kLength);
  std::size_t rest = at == std::string::npos ? 0 : std::stoul(head.substr(at + kLength.size()));
  std::array<std::byte, 1024> body;
  while (rest != 0) {
    const auto part = std::span(body).first(std::min(rest, body.size()));
    if (!reader.read_exactly(part)) return false;
    rest -= part.size();
  }
  return true;
}

std::string http_response(int status, const std::string& body, const std::string& fields) {
  return "HTTP/1.1 " + std::to_string(status) + " Said\r\n" + fields +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

void http_script(StreamReference stream) {
  HttpRequests requests(stream);
  const std::string response = http_response(200, "hello");
  while (requests.read_one()) stream.write_all(std::as_bytes(std::span(response)));
}

}  // namespace colibri::test
