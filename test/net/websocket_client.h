// A WebSocket's client as tests play it, frame by frame, and a server for it.
#pragma once

#include <string>

#include "colibri/net/websocket.h"
#include "test/net/running_http_server.h"

namespace colibri::test {

// The fields of a handshake. The key and its answer are those of RFC 6455, section 1.3.
inline const std::string kKey = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
inline const std::string kAnswer = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
inline const std::string kUpgrade = "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n";
inline const std::string kVersion = "Sec-WebSocket-Version: 13\r\n";

/// The head of a request with these fields, a handshake if they are those above.
std::string handshake_request(const std::string& fields,
                              const std::string& first = "GET / HTTP/1.1");
/// Asks for a WebSocket, and expects to get it.
void shake_hands(HttpClient& client);

/// A frame as a client sends it: `first_byte` has its kind and whether it is the last. The mask
/// changes from one to the next, and its bytes differ. One thread's.
std::string frame(unsigned first_byte, std::string payload);
/// A whole message.
std::string text_frame(const std::string& text);
std::string close_frame(unsigned code, const std::string& reason = "");

/// What a server has sent.
struct Frame {
  unsigned first_byte = 0;  // 0: the stream has ended
  std::string payload{};

  /// Of a closing frame; 0 if it is none, or has none.
  unsigned code() const;
};

/// Waits for the next one; expects it to be without a mask, as a server's are.
Frame read_frame(HttpClient& client);

/// A handler that sends back what comes, until the end.
void echo_messages(WebSocket& socket);

/// Serves 127.0.0.1, where every request is for a WebSocket.
class RunningWebSockets : public RunningHttpServer {
 public:
  explicit RunningWebSockets(WebSocket::Handler handler, const WebSocketOptions& options = {});
};

}  // namespace colibri::test
