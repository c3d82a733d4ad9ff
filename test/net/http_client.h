// A client of HTTP that sends whatever a test wants, and knows how answers end.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "colibri/net/buffered.h"
#include "colibri/net/http_fields.h"
#include "colibri/net/tcp_stream.h"

namespace colibri::test {

struct HttpAnswer {
  int status = 0;  // 0: the stream ended instead, or what came was no answer
  HttpFields fields{};
  std::string body{};
  bool is_whole = false;  // the body has come to its end

  std::string field(std::string_view name) const {
    return std::string(fields.find(name).value_or(""));
  }
};

/// A client's side of one connection, of any kind, which must outlive it. One coroutine's.
class HttpDialogue {
 public:
  explicit HttpDialogue(StreamReference stream) : stream_(stream), reader_(stream) {}

  void send(std::string_view text) { stream_.write_all(std::as_bytes(std::span(text))); }
  /// `with_body`: false for the answer to HEAD.
  HttpAnswer read_answer(bool with_body = true);
  HttpAnswer ask(std::string_view request) {
    send(request);
    return read_answer();
  }
  /// The server has closed the connection, and sent nothing that was not read.
  bool is_at_end();

  BufferedReader& reader() noexcept { return reader_; }

 private:
  void read_body(HttpAnswer& answer);
  bool read_chunks(std::string& body);
  bool append(std::string& body, std::size_t size);

  StreamReference stream_;
  BufferedReader reader_;
};

/// The stream of a client, made before what refers to it.
template <class Stream>
struct ConnectedStream {
  Stream connected;
};

/// One by TCP.
class HttpClient : private ConnectedStream<TcpStream>, public HttpDialogue {
 public:
  explicit HttpClient(const Address& address)
      : ConnectedStream{TcpStream::connect(address)}, HttpDialogue(connected) {}

  TcpStream& stream() noexcept { return connected; }
};

}  // namespace colibri::test
