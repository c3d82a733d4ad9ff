// A client of HTTP that sends whatever a test wants, and knows how answers end.
#pragma once

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

/// One connection. One coroutine's.
class HttpClient {
 public:
  explicit HttpClient(const Address& address)
      : stream_(TcpStream::connect(address)), reader_(stream_) {}

  void send(std::string_view text) { stream_.write_all(text); }
  /// `with_body`: false for the answer to HEAD.
  HttpAnswer read_answer(bool with_body = true);
  HttpAnswer ask(std::string_view request) {
    send(request);
    return read_answer();
  }
  /// The server has closed the connection, and sent nothing that was not read.
  bool is_at_end();

  TcpStream& stream() noexcept { return stream_; }
  BufferedReader& reader() noexcept { return reader_; }

 private:
  void read_body(HttpAnswer& answer);
  bool read_chunks(std::string& body);
  bool append(std::string& body, std::size_t size);

  TcpStream stream_;
  BufferedReader reader_;
};

}  // namespace colibri::test
