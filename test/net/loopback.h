// Connections within a test.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "colibri/net/tcp_listener.h"

namespace colibri::test {

/// Two ends of one connection.
struct TcpPair {
  TcpStream client;
  TcpStream server;
};

/// Connects through a listener on 127.0.0.1. In a coroutine or thread.
TcpPair tcp_pair();

/// A port of 127.0.0.1 on which nobody listens, and which nobody else gets meanwhile.
class DeafPort {
 public:
  DeafPort();
  Address address() const { return socket_.local_address(); }

 private:
  Socket socket_;
};

/// A listener of 127.0.0.1 whose backlog is full: who connects waits.
class FullListener {
 public:
  FullListener();
  Address address() const { return listener_.address(); }
  /// Makes room again.
  void accept_all();

 private:
  TcpListener listener_;
  std::vector<Socket> waiting_;
};

/// Reads to the end of the stream.
std::string read_all(StreamSocket& stream);
/// Reads so many bytes; fewer at the end of the stream.
std::string read_text(StreamSocket& stream, std::size_t size);
/// A name that no other test uses: neither in this process nor in others, whose ids may be the
/// same.
std::string fresh_name();
/// Bytes that differ within themselves.
std::string test_text(std::size_t size);

/// The error number with which `call` fails; 0 if it does not.
template <class Call>
int error_of_call(Call call) {
  try {
    call();
  } catch (const std::system_error& error) {
    return error.code().value();
  }
  return 0;
}

/// The text of the error with which `call` fails.
template <class Call>
std::string text_of_error(Call call) {
  try {
    call();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

}  // namespace colibri::test
