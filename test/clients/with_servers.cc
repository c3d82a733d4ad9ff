// Runs a command beside servers, and stops them when it has ended:
//
//   with_servers [--under COLIBRI] NAME... -- COMMAND ARGUMENTS...
//
// With --under, the servers themselves run under `COLIBRI run`; their user must have the right to.
// NAME is redis, postgres, mariadb, memcached, mosquitto, openssl, http, https or iperf3. The
// command finds the port of each in NAME_PORT in capitals (REDIS_PORT and so on), its folder in
// NAME_FOLDER, its process in NAME_PID, and in CERTIFICATE what openssl and https are trusted by.
// Its exit status is this program's; 128 plus the signal if one ended it.
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <functional>
#include <iterator>
#include <list>
#include <map>
#include <optional>
#include <string>

#include "test/clients/server_process.h"
#include "test/clients/servers.h"

namespace colibri::test {
namespace {

using Maker = std::function<ServerOptions(const TemporaryFolder&, const Certificate&)>;

const std::map<std::string, Maker> kMakers = {
    {"redis", [](const auto& folder, const auto&) { return redis_server(folder); }},
    {"postgres", [](const auto& folder, const auto&) { return postgres_server(folder); }},
    {"mariadb", [](const auto& folder, const auto&) { return mariadb_server(folder); }},
    {"memcached", [](const auto&, const auto&) { return memcached_server(); }},
    {"mosquitto", [](const auto& folder, const auto&) { return mosquitto_server(folder); }},
    {"openssl", [](const auto&, const auto& certificate) { return openssl_server(certificate); }},
    {"http", [](const auto& folder, const auto&) { return nginx_server(folder, std::nullopt); }},
    {"https",
     [](const auto& folder, const auto& certificate) { return nginx_server(folder, certificate); }},
    {"iperf3", [](const auto&, const auto&) { return iperf3_server(); }},
};

std::string in_capitals(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char letter) { return static_cast<char>(std::toupper(letter)); });
  return text;
}

/// The same server by `runner` (a command that takes a command).
ServerOptions run_by(const Command& runner, ServerOptions options) {
  options.command = [runner, command = options.command](int port) {
    Command whole = runner;
    for (const std::string& word : command(port)) whole.push_back(word);
    return whole;
  };
  return options;
}

/// A server, and what the command is told of it.
class Announced {
 public:
  Announced(const std::string& name, const Command& runner, const Certificate& certificate)
      : server_(folder_, run_by(runner, kMakers.at(name)(folder_, certificate))) {
    const std::string prefix = in_capitals(name);
    setenv((prefix + "_PORT").c_str(), server_.port_text().c_str(), 1);
    setenv((prefix + "_FOLDER").c_str(), folder_.path().c_str(), 1);
    setenv((prefix + "_PID").c_str(), std::to_string(server_.pid()).c_str(), 1);
  }

 private:
  const TemporaryFolder folder_;
  const ServerProcess server_;
};

int run_command(char** command) {
  const pid_t child = fork();
  if (child == 0) {
    execvp(command[0], command);
    std::perror(command[0]);
    _exit(127);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int run_beside_servers(char** words, char** end) {
  Command runner;
  if (end - words > 2 && std::string(words[0]) == "--under") {
    runner = {words[1], "run"};
    words += 2;
  }
  const auto known = [](const std::string& word) { return kMakers.contains(word); };
  char** const names_end = std::find_if_not(words, end, known);
  if (end - names_end < 2 || std::string(*names_end) != "--") {
    std::fprintf(stderr, "usage: with_servers [--under COLIBRI] NAME... -- COMMAND ARGUMENTS...\n");
    return 2;
  }
  const TemporaryFolder folder;
  const Certificate certificate = make_certificate(folder);
  setenv("CERTIFICATE", certificate.certificate.c_str(), 1);
  std::list<Announced> servers;
  for (char** name = words; name != names_end; ++name) {
    servers.emplace_back(*name, runner, certificate);
  }
  return run_command(std::next(names_end));
}

}  // namespace
}  // namespace colibri::test

int main(int count, char** words) {
  try {
    return colibri::test::run_beside_servers(words + 1, words + count);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "with_servers: %s\n", error.what());
    return 1;
  }
}
