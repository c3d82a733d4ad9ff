#include "colibri/net/http_message.h"

#include <algorithm>
#include <array>
#include <utility>

namespace colibri {
namespace {

struct Reason {
  int status;
  std::string_view text;
};

// RFC 9110, section 15, and those that servers in the wild send besides; in their order.
constexpr std::array kReasons = {
    Reason{100, "Continue"},
    Reason{101, "Switching Protocols"},
    Reason{200, "OK"},
    Reason{201, "Created"},
    Reason{202, "Accepted"},
    Reason{203, "Non-Authoritative Information"},
    Reason{204, "No Content"},
    Reason{205, "Reset Content"},
    Reason{206, "Partial Content"},
    Reason{300, "Multiple Choices"},
    Reason{301, "Moved Permanently"},
    Reason{302, "Found"},
    Reason{303, "See Other"},
    Reason{304, "Not Modified"},
    Reason{307, "Temporary Redirect"},
    Reason{308, "Permanent Redirect"},
    Reason{400, "Bad Request"},
    Reason{401, "Unauthorized"},
    Reason{403, "Forbidden"},
    Reason{404, "Not Found"},
    Reason{405, "Method Not Allowed"},
    Reason{406, "Not Acceptable"},
    Reason{408, "Request Timeout"},
    Reason{409, "Conflict"},
    Reason{410, "Gone"},
    Reason{411, "Length Required"},
    Reason{412, "Precondition Failed"},
    Reason{413, "Content Too Large"},
    Reason{414, "URI Too Long"},
    Reason{415, "Unsupported Media Type"},
    Reason{416, "Range Not Satisfiable"},
    Reason{417, "Expectation Failed"},
    Reason{422, "Unprocessable Content"},
    Reason{426, "Upgrade Required"},
    Reason{429, "Too Many Requests"},
    Reason{431, "Request Header Fields Too Large"},
    Reason{500, "Internal Server Error"},
    Reason{501, "Not Implemented"},
    Reason{502, "Bad Gateway"},
    Reason{503, "Service Unavailable"},
    Reason{504, "Gateway Timeout"},
    Reason{505, "HTTP Version Not Supported"},
};

}  // namespace

void HttpRequest::clear() noexcept {
  method.clear();
  target.clear();
  minor_version = 1;
  fields.clear();
}

HttpError::HttpError(int status, const std::string& text, HttpFields fields)
    : std::runtime_error(text), status_(status), fields_(std::move(fields)) {
  // Here, where it is the handler's failure. It would be too late when the answer is made.
  net_detail::check_http_status(status);
}

void net_detail::check_http_status(int status) {
  if (status < 200 || status > 999) {
    throw std::invalid_argument("no status of an answer: " + std::to_string(status));
  }
}

std::string_view http_reason(int status) noexcept {
  const auto* const found =
      std::lower_bound(kReasons.begin(), kReasons.end(), status,
                       [](const Reason& each, int wanted) { return each.status < wanted; });
  return found != kReasons.end() && found->status == status ? found->text : "Unknown";
}

}  // namespace colibri
