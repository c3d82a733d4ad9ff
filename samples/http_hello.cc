// An HTTP server that says hello: a handler a request, keep-alive, bodies in parts.
//
//   bazel run --config=opt //samples:http_hello -- --port 8080
//   curl -d "a longer text" http://127.0.0.1:8080/upper
//
// With --certificate and --key, files in PEM, it serves https:
//
//   openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30
//     -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout key.pem -out chain.pem
//   curl --cacert chain.pem https://localhost:8080/hello
//
// Ctrl-C and SIGTERM stop it, when the requests that are there have been answered. Without --port
// it asks itself three things, one after the other on one connection, and prints:
//
// GET /hello: 200, hello
// POST /upper: 200, SHOUT
// GET /nowhere: 404, there is /hello and /upper
#include <signal.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>

#include "colibri/http.h"
#include "colibri/net/http_tls.h"

namespace {

// The answer begins before the request has ended: bodies of any length, in little memory.
void upper(colibri::HttpExchange& exchange) {
  constexpr std::size_t kPartBytes = 4096;
  const auto part = std::make_unique<char[]>(kPartBytes);  // a stack may be a shared one
  const std::span room(part.get(), kPartBytes);
  colibri::HttpBodyWriter& answer = exchange.begin({});
  while (const std::size_t size = exchange.body().read_some(std::as_writable_bytes(room))) {
    for (char& c : room.first(size)) {
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    answer.write(std::string_view(part.get(), size));
  }
}

void answer(colibri::HttpExchange& exchange) {
  const std::string& target = exchange.request().target;
  if (target == "/upper") return upper(exchange);
  if (target != "/hello") throw colibri::HttpError(404, "there is /hello and /upper");
  exchange.respond({.fields = {{"Content-Type", "text/plain"}}, .body = "hello\n"});
}

// Prints the status and the body of an answer that has one of a known length.
void print_answer(colibri::BufferedReader& reader, const char* asked) {
  const std::string status(reader.read_line().value_or("").substr(9, 3));
  std::size_t size = 0;
  bool in_chunks = false;
  for (auto line = reader.read_line(); line && !line->empty(); line = reader.read_line()) {
    if (line->starts_with("Content-Length: ")) size = std::stoul(std::string(line->substr(16)));
    in_chunks = in_chunks || *line == "Transfer-Encoding: chunked";
  }
  if (in_chunks) size = std::stoul(std::string(reader.read_line().value_or("")), nullptr, 16);
  std::string body(size, '\0');
  reader.read_exactly(std::as_writable_bytes(std::span(body)));
  if (in_chunks) reader.read_until("0\r\n\r\n");
  while (body.ends_with('\n')) body.pop_back();
  std::printf("%s: %s, %s\n", asked, status.c_str(), body.c_str());
}

void ask_itself(const colibri::HttpServer& server) {
  colibri::TcpStream stream = colibri::TcpStream::connect(server.address());
  colibri::BufferedReader reader(stream);
  stream.write_all("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  print_answer(reader, "GET /hello");
  stream.write_all("POST /upper HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nshout");
  print_answer(reader, "POST /upper");
  stream.write_all("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
  print_answer(reader, "GET /nowhere");
  server.stop();
}

}  // namespace

int main(int argc, char** argv) {
  std::uint16_t port = 0;
  colibri::HttpServerOptions options{.tcp = {.stop_signals = {SIGINT, SIGTERM}}};
  colibri::TlsCertificate certificate;
  CLI::App app("Says hello over HTTP.");
  auto* const serves = app.add_option("--port", port, "port to serve; 0: any free one");
  auto* const chain = app.add_option("--certificate", certificate.chain_file, "serve by TLS");
  auto* const key = app.add_option("--key", certificate.key_file, "the certificate's");
  key->needs(chain);
  chain->needs(key)->needs(serves);
  app.add_option("--threads", options.tcp.threads, "0: one a processor")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  if (!chain->empty()) options.protection = colibri::http_over_tls({.certificate = certificate});
  return colibri::run([&] {
    colibri::HttpServer server("127.0.0.1:" + std::to_string(port), answer, options);
    colibri::Task<void> client;
    if (serves->empty()) {
      client = colibri::spawn([&] { ask_itself(server); });
    } else {
      std::printf("listening on %s\n", server.address().to_string().c_str());
      std::fflush(stdout);
    }
    server.run();
  });
}
