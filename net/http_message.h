// What a client asks over HTTP/1.1 and what it is answered, as values.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "colibri/net/http_fields.h"

namespace colibri {

/// The head of a request; its body is read where it comes from, see HttpBodyReader.
struct HttpRequest {
  std::string method;  // as it came: "GET"
  std::string target;  // as it came: "/path?query"
  int minor_version = 1;
  HttpFields fields{};

  /// Makes it empty, and keeps its memory.
  void clear() noexcept;
};

/// An answer. Date, Content-Length, Transfer-Encoding and Connection are the server's: fields of
/// these names are not sent.
struct HttpResponse {
  int status = 200;  // 200 to 999
  HttpFields fields{};
  std::string body{};
  bool close = false;  // the connection, after this answer
};

/// A request that is refused, by the server or by a handler that throws it: answered with the
/// status, the fields, and the text as the body.
class HttpError : public std::runtime_error {
 public:
  /// Throws std::invalid_argument for a status that no answer can have.
  HttpError(int status, const std::string& text, HttpFields fields = {});
  int status() const noexcept { return status_; }
  const HttpFields& fields() const noexcept { return fields_; }

 private:
  int status_;
  HttpFields fields_;
};

namespace net_detail {

/// Throws std::invalid_argument if it is none of an answer: those are 200 to 999.
void check_http_status(int status);

}  // namespace net_detail

/// The phrase that goes with a status, as "Not Found"; "Unknown" for those that have none.
std::string_view http_reason(int status) noexcept;

}  // namespace colibri
