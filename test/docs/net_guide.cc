// The code of docs/net.md, which has what stands between the marks, in this order.
#include "colibri/http.h"
#include "colibri/net.h"
#include "colibri/net/http_tls.h"
#include "colibri/net/tls_stream.h"

#include <signal.h>
#include <sys/stat.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>

using namespace std::chrono_literals;

// [[
void echo(colibri::TcpStream& stream) {
  std::array<std::byte, 4096> buffer;
  while (const std::size_t size = stream.read_some(buffer)) {
    stream.write_all(std::span(buffer).first(size));
  }
}

void serve() {
  colibri::TcpServer server("127.0.0.1:7777", echo,
                            {.threads = 2,
                             .most_connections = 10'000,
                             .timeouts = {.idle = 60s, .read = 10s, .write = 10s},
                             .drain = 10s,
                             .stop_signals = {SIGTERM, SIGINT}});
  std::printf("listening on %s\n", server.address().to_string().c_str());
  server.run();
}
// ]]

// [[
std::string ask(const colibri::Resolver& resolver, const std::string& host) {
  const colibri::TimeLimit limit(5s);  // for all that follows
  colibri::TcpStream stream = colibri::TcpStream::connect(resolver.resolve(host, 7777));
  stream.write_all("hello\n");
  std::string buffer;
  const std::size_t size = stream.read_until(buffer, "\n", 1000);
  return buffer.substr(0, size);
}
// ]]

// [[
void answer_lines(colibri::TcpStream& stream) {
  colibri::BufferedReader reader(stream);
  colibri::BufferedWriter writer(stream);
  while (const auto line = reader.read_line()) {
    writer.write("you said: ");
    writer.write(*line);
    writer.write("\n");
    if (reader.buffered().empty()) writer.flush();  // no more questions here yet
  }
}
// ]]

// [[
void echo_datagrams() {
  colibri::UdpSocket socket = colibri::UdpSocket::bind("127.0.0.1:7777");
  colibri::DatagramBatch batch(64, 1500);
  for (;;) {
    socket.receive(batch);  // waits for the first, takes all that are there
    socket.send(batch);     // each to where it came from
  }
}
// ]]

// [[
void send_page(colibri::TcpStream& stream, int file) {
  struct stat status {};
  fstat(file, &status);
  colibri::send_file(stream, file, 0, static_cast<std::uint64_t>(status.st_size));
}

void relay(colibri::TcpStream& stream) {
  // Two coroutines use them, so they lie in the heap: a stack may be a shared one.
  auto client = std::make_shared<colibri::TcpStream>(std::move(stream));
  auto server = std::make_shared<colibri::TcpStream>(colibri::TcpStream::connect("127.0.0.1:7778"));
  auto answers = colibri::spawn([=] {
    colibri::copy(*server, *client);
    client->shutdown_write();
  });
  colibri::copy(*client, *server);
  server->shutdown_write();
  answers.join();
}
// ]]

// [[
void serve_and_be_succeeded() {
  colibri::ListenerHandover handover("unix:/run/echo/handover");
  std::vector<colibri::TcpListener> listeners = handover.take_listeners();
  if (listeners.empty()) listeners.emplace_back("0.0.0.0:7777");  // nobody was there
  colibri::TcpServer server(std::move(listeners), echo);
  auto successor = colibri::spawn([&] { handover.run(server); });
  server.run();  // until a new process has taken over, and the last connection has ended
}
// ]]

// [[
void greet(colibri::HttpExchange& exchange) {
  const colibri::HttpRequest& request = exchange.request();
  if (request.target != "/greeting") throw colibri::HttpError(404, "there is only /greeting");
  if (request.method == "POST") {
    exchange.respond({.body = "hello " + exchange.body().read_all()});
  } else {
    exchange.respond({.fields = {{"Content-Type", "text/plain"}}, .body = "hello\n"});
  }
}

void upper(colibri::HttpExchange& exchange) {
  auto buffer = std::make_unique<std::array<char, 4096>>();  // a stack may be a shared one
  colibri::HttpBodyWriter& answer = exchange.begin({});
  while (const std::size_t size =
             exchange.body().read_some(std::as_writable_bytes(std::span(*buffer)))) {
    for (char& c : std::span(*buffer).first(size)) {
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    answer.write(std::string_view(buffer->data(), size));
  }
}

void serve_http() {
  colibri::HttpServer server(
      "127.0.0.1:8080",
      [](colibri::HttpExchange& exchange) {
        exchange.request().target == "/upper" ? upper(exchange) : greet(exchange);
      },
      {.tcp = {.threads = 2, .stop_signals = {SIGTERM}}, .body_bytes = 10'000'000});
  server.run();
}
// ]]

// [[
void serve_https() {
  const colibri::HttpProtection tls =
      colibri::http_over_tls({.certificate = {"chain.pem", "key.pem"}});
  colibri::HttpServer server("0.0.0.0:8443", greet, {.protection = tls});
  server.run();
}
// ]]

// [[
void chat(colibri::WebSocket& socket) {
  while (const auto message = socket.receive()) {
    if (message->is_text) socket.send_text("you said: " + message->data);
  }
  std::printf("closed with %d\n", socket.close_code());
}

void answer_chat(colibri::HttpExchange& exchange) {
  if (exchange.request().target != "/chat") throw colibri::HttpError(404, "there is only /chat");
  colibri::WebSocket::serve(exchange, chat, {.message_bytes = 10'000, .ping = 20s});
}
// ]]

// [[
void serve_in_secret() {
  const colibri::TlsServerContext context({.certificate = {"chain.pem", "key.pem"}});
  colibri::TcpServer server("0.0.0.0:7443", [context](colibri::TcpStream& tcp) {
    colibri::TlsStream stream = colibri::TlsStream::accept(std::move(tcp), context);
    std::array<std::byte, 4096> buffer;
    while (const std::size_t size = stream.read_some(buffer)) {
      stream.write_all(std::span(buffer).first(size));
    }
  });
  server.run();
}

void ask_in_secret(colibri::TcpStream tcp, const colibri::TlsClientContext& context) {
  colibri::TlsStream stream = colibri::TlsStream::connect(std::move(tcp), "example.com", context);
  stream.write_all("hello");
  stream.close();
}
// ]]

// [[
void serve_behind_proxies() {
  colibri::TcpServer server(
      "0.0.0.0:7777",
      colibri::behind_proxy({.from = {"10.0.0.0/8", "fd00::/8"}},
                            [](colibri::TcpStream& stream, const colibri::ProxyHeader& header) {
                              const colibri::Address client =
                                  header.source.value_or(stream.peer_address());
                              stream.write_all("you are " + client.to_string() + "\n");
                            }));
  server.run();
}
// ]]

int main() {
  return colibri::run([] {
    const std::string page = ask(colibri::Resolver(), "localhost");
    colibri::TcpServer lines("127.0.0.1:0", answer_lines);
    colibri::TcpServer relays("127.0.0.1:0", relay);
    const auto send = [](colibri::TcpStream& stream) { send_page(stream, 0); };
    colibri::TcpServer pages("127.0.0.1:0", send);
    serve();
    serve_in_secret();
    ask_in_secret({}, colibri::TlsClientContext());
    serve_and_be_succeeded();
    serve_behind_proxies();
    echo_datagrams();
  });
}
