#include "colibri/net/admin_page.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "colibri/core/inspect/coroutines_json.h"
#include "colibri/core/inspect/metrics.h"

namespace colibri {

/// net/admin_page.html.
extern const std::string_view admin_page_html;

namespace {

/// The host of a Host field, without its port; nothing if it is none.
std::optional<std::string_view> host_of(std::string_view field) {
  if (field.starts_with('[')) {
    const std::size_t end = field.find(']');
    if (end == std::string_view::npos) return {};
    return field.substr(0, end + 1);
  }
  return field.substr(0, field.find(':'));
}

/// An address in numbers, as no name can be: all of digits and points, or in brackets.
bool is_number(std::string_view host) {
  return host.starts_with('[') ||
         (!host.empty() && host.find_first_not_of("0123456789.") == std::string_view::npos);
}

/// What is not let in ends by an HttpError.
void check_request(const HttpRequest& request, const std::vector<std::string>& hosts) {
  if (request.method != "GET" && request.method != "HEAD") {
    throw HttpError(405, "this page only shows", {{"Allow", "GET, HEAD"}});
  }
  const std::optional<std::string_view> host =
      host_of(request.fields.find("Host").value_or(std::string_view()));
  const auto is_host = [&](std::string_view known) {
    return host.has_value() && net_detail::equal_names(*host, known);
  };
  if (!host.has_value() || (!is_number(*host) && !is_host("localhost") &&
                            std::none_of(hosts.begin(), hosts.end(), is_host))) {
    throw HttpError(403, "this name is not known here; ask by number, or by localhost");
  }
  const std::string_view site = request.fields.find("Sec-Fetch-Site").value_or("none");
  const bool is_link = request.fields.find("Sec-Fetch-Mode").value_or("") == "navigate";
  if (site != "none" && site != "same-origin" && !is_link) {
    throw HttpError(403, "other pages may not ask");
  }
}

HttpResponse answer_of(std::string_view type, std::string body) {
  // The page loads nothing, is in nobody's frame, and talks to its own server alone.
  return {.fields = {{"Content-Type", type},
                     {"Cache-Control", "no-store"},
                     {"X-Content-Type-Options", "nosniff"},
                     {"Referrer-Policy", "no-referrer"},
                     {"Content-Security-Policy",
                      "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
                      "connect-src 'self'; base-uri 'none'; form-action 'none'; "
                      "frame-ancestors 'none'"}},
          .body = std::move(body)};
}

void answer(HttpExchange& exchange, const AdminPageOptions& options) {
  const HttpRequest& request = exchange.request();
  check_request(request, options.hosts);
  const std::string_view target = request.target;
  const std::string_view path = target.substr(0, target.find('?'));
  std::string body;
  if (path == "/") {
    exchange.respond(answer_of("text/html; charset=utf-8", std::string(admin_page_html)));
  } else if (path == "/metrics") {
    write_prometheus(body);
    exchange.respond(answer_of("text/plain; version=0.0.4; charset=utf-8", std::move(body)));
  } else if (path == "/metrics.json") {
    write_json(body);
    exchange.respond(answer_of("application/json", std::move(body)));
  } else if (path == "/coroutines.json") {
    body = options.coroutines ? options.coroutines() : coroutines_json();
    exchange.respond(answer_of("application/json", std::move(body)));
  } else {
    throw HttpError(404, "there is /, /metrics, /metrics.json and /coroutines.json");
  }
}

}  // namespace

AdminPage::AdminPage(const AdminPageOptions& options)
    : server_(std::make_unique<HttpServer>(
          options.address, [options](HttpExchange& exchange) { answer(exchange, options); },
          HttpServerOptions{.tcp = {.most_connections = 64, .connection = {.name = "admin page"}},
                            .body_bytes = 1})) {
  enable_metrics();
}

}  // namespace colibri
