// How each server is started: as Debian ships it, with nothing of its configuration in /etc, with
// all its files in a folder of the test's, and with room for a crowd.
//
//   TemporaryFolder folder;
//   ServerProcess server(folder, redis_server(folder));
//
// The folder and what else is given must outlive the server.
#pragma once

#include <optional>
#include <string>

#include "test/clients/server_process.h"
#include "test/clients/temporary_folder.h"

namespace colibri::test {

/// A crowd: each server has room for so many clients and some more.
inline constexpr int kClients = 200;

/// For servers on 127.0.0.1. Signed by itself: who trusts the file trusts the server.
struct Certificate {
  std::string certificate;  // paths of PEM files
  std::string key;
};

/// Makes one, for the address and for localhost. Throws std::runtime_error.
Certificate make_certificate(const TemporaryFolder& folder);

/// On its port only; keeps nothing.
ServerOptions redis_server(const TemporaryFolder& folder);

/// On its port, and at a Unix socket in the folder; trusts everybody. Has the user "test", who may
/// do anything, and the database "postgres". Making it takes a second.
ServerOptions postgres_server(const TemporaryFolder& folder);

/// On its port, and at "socket" in the folder; asks for no privileges, and has no database.
ServerOptions mariadb_server(const TemporaryFolder& folder);

/// On its port only.
ServerOptions memcached_server();

/// On its port only; lets everybody in, and logs every packet.
ServerOptions mosquitto_server(const TemporaryFolder& folder);

/// `openssl s_server`: serves one connection after the other, and turns each line round.
ServerOptions openssl_server(const Certificate& certificate);

/// HTTP, or with a certificate HTTPS. /file/NAME is a file of the folder, /held/NAME comes from the
/// server at the Unix socket "held" in the folder (see held_pages.h), /counters are nginx's own.
/// Logs requests to "access.log" in the folder.
ServerOptions nginx_server(const TemporaryFolder& folder,
                           const std::optional<Certificate>& certificate);

/// Measures with one client after the other.
ServerOptions iperf3_server();

}  // namespace colibri::test
