// A WebSocket that says everything back, and a page that talks to it.
//
//   bazel run --config=opt //samples:websocket_echo -- --port 8080
//   a browser at http://127.0.0.1:8080/
//
// Ctrl-C and SIGTERM stop it. Without --port it talks to itself, and prints:
//
// GET /echo: HTTP/1.1 101 Switching Protocols
// sent hello, received hello
// closed with 1000
#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <string>

#include "colibri/http.h"

namespace {

constexpr const char* kPage = R"(<!doctype html>
<title>Echo</title>
<input autofocus> <ul></ul>
<script>
  const socket = new WebSocket("ws://" + location.host + "/echo");
  const field = document.querySelector("input"), list = document.querySelector("ul");
  const say = text => list.append(Object.assign(document.createElement("li"), {textContent: text}));
  socket.onopen = () => { say("open"); socket.send("hello from the page"); };
  socket.onmessage = event => say(event.data);
  socket.onclose = event => say("closed with " + event.code);
  field.onchange = () => { socket.send(field.value); field.value = ""; };
</script>
)";

void echo(colibri::WebSocket& socket) {
  while (const auto message = socket.receive()) {
    if (message->is_text) {
      socket.send_text(message->data);
    } else {
      socket.send_binary(std::as_bytes(std::span(message->data)));
    }
  }
}

void answer(colibri::HttpExchange& exchange) {
  if (exchange.request().target == "/echo") return colibri::WebSocket::serve(exchange, echo);
  if (exchange.request().target != "/") throw colibri::HttpError(404, "there is / and /echo");
  exchange.respond({.fields = {{"Content-Type", "text/html"}}, .body = kPage});
}

// The frames of a client are masked, here with zeros, which changes nothing.
void talk_to_itself(const colibri::HttpServer& server) {
  using namespace std::string_view_literals;
  colibri::TcpStream stream = colibri::TcpStream::connect(server.address());
  colibri::BufferedReader reader(stream);
  stream.write_all(
      "GET /echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  std::string head(reader.read_until("\r\n\r\n"));
  std::printf("GET /echo: %s\n", head.substr(0, head.find('\r')).c_str());
  stream.write_all("\x81\x85\0\0\0\0hello"sv);
  std::string frame(7, '\0');
  reader.read_exactly(std::as_writable_bytes(std::span(frame)));
  std::printf("sent hello, received %s\n", frame.substr(2).c_str());
  stream.write_all("\x88\x82\0\0\0\0\x03\xe8"sv);
  std::string close(4, '\0');
  reader.read_exactly(std::as_writable_bytes(std::span(close)));
  const auto byte = [&](std::size_t place) { return static_cast<std::uint8_t>(close[place]); };
  std::printf("closed with %d\n", byte(2) << 8 | byte(3));
  server.stop();
}

}  // namespace

int main(int argc, char** argv) {
  std::uint16_t port = 0;
  CLI::App app("Echoes the messages of WebSockets.");
  const auto* const serves = app.add_option("--port", port, "port to serve; 0: any free one");
  CLI11_PARSE(app, argc, argv);
  return colibri::run([&] {
    colibri::HttpServer server("127.0.0.1:" + std::to_string(port), answer,
                               {.tcp = {.drain = {}, .stop_signals = {SIGINT, SIGTERM}}});
    colibri::Task<void> client;
    if (serves->empty()) {
      client = colibri::spawn([&] { talk_to_itself(server); });
    } else {
      std::printf("listening on %s\n", server.address().to_string().c_str());
      std::fflush(stdout);
    }
    server.run();
  });
}
