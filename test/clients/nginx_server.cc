#include "test/clients/nginx_server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>

#include "colibri/core/task.h"
#include "test/clients/crowd.h"

namespace colibri::test {
namespace {

int listen_at(const std::string& path) {
  sockaddr_un address{AF_UNIX, {}};
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      chmod(path.c_str(), 0777) != 0 || listen(listener, kClients) != 0) {
    throw std::runtime_error("cannot listen at " + path);
  }
  return listener;
}

/// Reads a request without a body: its path.
std::string read_request(int connection) {
  std::string request;
  while (request.find("\r\n\r\n") == std::string::npos) {
    char bytes[4096];
    const ssize_t size = read(connection, bytes, sizeof bytes);
    if (size <= 0) return {};
    request.append(bytes, static_cast<std::size_t>(size));
  }
  const auto begin = request.find(' ') + 1;
  return request.substr(begin, request.find(' ', begin) - begin);
}

void answer_held(int connection, const Event& open) {
  const std::string path = read_request(connection);
  open.wait();
  const std::string answer =
      "HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n" + NginxServer::held_answer(path);
  if (send(connection, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) {
    throw std::runtime_error("nginx has gone");
  }
  close(connection);
}

}  // namespace

NginxServer::NginxServer(Scheme scheme)
    : scheme_(scheme),
      certificate_(make_certificate(folder_)),
      listener_(listen_at(folder_.path("held"))),
      server_(folder_, {.command = [this](int port) -> Command {
                return {"/usr/sbin/nginx",
                        "-e",
                        "stderr",
                        "-p",
                        folder_.path(),
                        "-c",
                        folder_.write("nginx.conf", configuration(port))};
              }}) {
  folder_.write("numbers", held_answer("/numbers"));
}

NginxServer::~NginxServer() {
  close(listener_);
}

std::string NginxServer::configuration(int port) const {
  const std::string folder = folder_.path();
  std::string temporary;
  for (const char* kind : {"client_body", "fastcgi", "proxy", "scgi", "uwsgi"}) {
    temporary += std::string(kind) + "_temp_path " + folder + ";\n";
  }
  const std::string tls = "ssl_certificate " + certificate_.certificate +
                          ";\nssl_certificate_key " + certificate_.key + ";\n";
  return "daemon off;\nmaster_process off;\npid " + folder + "/pid;\nerror_log stderr;\n" +
         "events { worker_connections " + std::to_string(4 * kClients) + "; }\n" + "http {\n" +
         temporary + "access_log " + folder + "/access.log;\n" + "proxy_read_timeout 60s;\n" +
         "server {\nlisten 127.0.0.1:" + std::to_string(port) +
         (scheme_ == Scheme::kHttps ? " ssl;\n" + tls : ";\n") +
         "location /held/ { proxy_pass http://unix:" + folder + "/held; }\n" +
         "location /counters { stub_status; access_log off; }\n" + "location /file/ { alias " +
         folder + "/; }\n}\n}\n";
}

std::string NginxServer::url() const {
  return (scheme_ == Scheme::kHttps ? "https" : "http") + std::string("://127.0.0.1:") +
         server_.port_text();
}

void NginxServer::serve_held(const Event& open) const {
  for (int connection; (connection = accept(listener_, nullptr, nullptr)) >= 0;) {
    go(answer_held, connection, open);
  }
}

std::string NginxServer::held_answer(const std::string& path) {
  constexpr std::size_t kBytes = 50'000;  // more than one buffer of anybody's
  std::string answer;
  while (answer.size() < kBytes) answer += path + "\n";
  return answer;
}

int NginxServer::requests_in(const std::string& counters) {
  const std::string name = "Writing: ";
  return std::stoi(counters.substr(counters.find(name) + name.size())) - 1;
}

}  // namespace colibri::test
