// Requests as tests write them, and a handler that tells what it was asked.
#pragma once

#include <string>

#include "colibri/net/http_exchange.h"

namespace colibri::test {

/// Answers with method, target and body.
inline void describe(HttpExchange& exchange) {
  const HttpRequest& request = exchange.request();
  const std::string body = exchange.body().read_all();
  exchange.respond({.fields = {{"Content-Type", "text/plain"}},
                    .body = request.method + ' ' + request.target + ' ' + body});
}

inline std::string get(const std::string& target, const std::string& fields = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n";
}

inline std::string post(const std::string& body, const std::string& fields = "") {
  return "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         fields + "\r\n" + body;
}

/// The chunks are to follow.
inline const std::string kChunkedHead =
    "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";

}  // namespace colibri::test
