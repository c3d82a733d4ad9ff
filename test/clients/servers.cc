#include "test/clients/servers.h"

namespace colibri::test {
namespace {

const std::string kConnections = std::to_string(kClients + 10);

std::string nginx_configuration(const std::string& folder,
                                const std::optional<Certificate>& certificate, int port) {
  std::string text =
      "daemon off;\nmaster_process off;\nerror_log stderr;\npid " + folder + "/pid;\n";
  // A held page has a connection on either side of nginx.
  text += "events { worker_connections " + std::to_string(3 * kClients) + "; }\n";
  text += "http {\naccess_log " + folder + "/access.log;\n";
  for (const char* kind : {"client_body", "fastcgi", "proxy", "scgi", "uwsgi"}) {
    text += std::string(kind) + "_temp_path " + folder + ";\n";
  }
  text +=
      "server {\nlisten 127.0.0.1:" + std::to_string(port) + (certificate ? " ssl" : "") + ";\n";
  if (certificate) {
    text += "ssl_certificate " + certificate->certificate + ";\n";
    text += "ssl_certificate_key " + certificate->key + ";\n";
  }
  text += "location /file/ { alias " + folder + "/; }\n";
  text += "location /held/ { proxy_pass http://unix:" + folder + "/held; }\n";
  text += "location /counters { stub_status; access_log off; }\n}\n}\n";
  return text;
}

}  // namespace

Certificate make_certificate(const TemporaryFolder& folder) {
  const Certificate made{folder.path("certificate.pem"), folder.path("key.pem")};
  run_to_end(folder, {"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                      "ec_paramgen_curve:P-256", "-noenc", "-subj", "/CN=localhost", "-addext",
                      "subjectAltName=IP:127.0.0.1,DNS:localhost", "-days", "2", "-keyout",
                      made.key, "-out", made.certificate});
  return made;
}

ServerOptions redis_server(const TemporaryFolder& folder) {
  return {.command = [&folder](int port) -> Command {
    return {"/usr/bin/redis-server",
            "--bind",
            "127.0.0.1",
            "--port",
            std::to_string(port),
            "--save",
            "",
            "--dir",
            folder.path()};
  }};
}

ServerOptions postgres_server(const TemporaryFolder& folder) {
  const std::string programs = "/usr/lib/postgresql/15/bin/";
  const std::string database = folder.path("database");
  run_to_end(folder,
             {programs + "initdb", "--pgdata", database, "--username", "test", "--auth", "trust",
              "--no-sync", "--no-locale", "--encoding", "UTF8", "--no-instructions"});
  return {.command = [=, &folder](int port) -> Command {
            return {programs + "postgres",
                    "-D",
                    database,
                    "-p",
                    std::to_string(port),
                    "-k",
                    folder.path(),
                    "-c",
                    "listen_addresses=127.0.0.1",
                    "-c",
                    "max_connections=" + kConnections,
                    "-c",
                    "shared_buffers=16MB",
                    "-c",
                    "fsync=off"};
          },
          .ready = "database system is ready to accept connections",
          .stop_signal = SIGINT};
}

ServerOptions mariadb_server(const TemporaryFolder& folder) {
  // An empty folder is enough where nobody asks for privileges.
  return {.command = [&folder](int port) -> Command {
            return {"/usr/sbin/mariadbd", "--no-defaults", "--skip-grant-tables",
                    "--datadir=" + folder.path(), "--socket=" + folder.path("socket"),
                    "--pid-file=" + folder.path("pid"), "--skip-networking=0",
                    "--bind-address=127.0.0.1", "--port=" + std::to_string(port),
                    "--max-connections=" + kConnections,
                    // Else 92, and half of the clients come by the Unix socket, where a full
                    // backlog is an error to the connector: it asks without waiting.
                    "--back-log=" + kConnections, "--innodb-buffer-pool-size=16M",
                    "--innodb-log-file-size=4M", "--innodb-flush-log-at-trx-commit=0"};
          },
          .ready = "ready for connections"};
}

ServerOptions memcached_server() {
  return {.command = [](int port) -> Command {
    return {"/usr/bin/memcached", "--listen=127.0.0.1", "--port=" + std::to_string(port),
            "--udp-port=0"};
  }};
}

ServerOptions mosquitto_server(const TemporaryFolder& folder) {
  return {.command = [&folder](int port) -> Command {
    const std::string configuration =
        "listener " + std::to_string(port) + " 127.0.0.1\nallow_anonymous true\nlog_dest stderr\n";
    return {"/usr/sbin/mosquitto", "-v", "-c", folder.write("configuration", configuration)};
  }};
}

ServerOptions openssl_server(const Certificate& certificate) {
  return {.command = [&certificate](int port) -> Command {
    return {"/usr/bin/openssl",
            "s_server",
            "-accept",
            "127.0.0.1:" + std::to_string(port),
            "-cert",
            certificate.certificate,
            "-key",
            certificate.key,
            "-rev",
            "-quiet"};
  }};
}

ServerOptions nginx_server(const TemporaryFolder& folder,
                           const std::optional<Certificate>& certificate) {
  return {.command = [&folder, certificate](int port) -> Command {
    const std::string text = nginx_configuration(folder.path(), certificate, port);
    return {"/usr/sbin/nginx",
            "-e",
            "stderr",
            "-p",
            folder.path(),
            "-c",
            folder.write("nginx.conf", text)};
  }};
}

ServerOptions iperf3_server() {
  return {.command = [](int port) -> Command {
            return {"/usr/bin/iperf3", "--server",           "--bind",      "127.0.0.1",
                    "--port",          std::to_string(port), "--forceflush"};
          },
          .ready = "Server listening"};
}

}  // namespace colibri::test
