// nginx before a server of the test's own that answers when it is let.
#pragma once

#include <functional>
#include <string>

#include "colibri/core/event.h"
#include "test/clients/certificate.h"
#include "test/clients/server_process.h"

namespace colibri::test {

/// What its URLs begin with.
enum class Scheme { kHttp, kHttps };

/// Serves /held/NAME from the test's server, /counters by itself, and /file/ from its folder.
class NginxServer {
 public:
  explicit NginxServer(Scheme scheme);
  ~NginxServer();
  NginxServer(const NginxServer&) = delete;
  NginxServer& operator=(const NginxServer&) = delete;

  /// Such as https://127.0.0.1:4711
  std::string url() const;
  const std::string& certificate_path() const { return certificate_.certificate; }
  std::string access_log() const { return folder_.read("access.log"); }

  /// In a coroutine: answers requests for /held/ in coroutines of their own until it is cancelled.
  /// Each waits for the event, and is answered with what it asked for, again and again.
  void serve_held(const Event& open) const;
  /// What is answered to a request for a path.
  static std::string held_answer(const std::string& path);

  /// Requests that nginx is at work on, as /counters tells; that for /counters not counted.
  static int requests_in(const std::string& counters);

 private:
  std::string configuration(int port) const;

  const Scheme scheme_;
  TemporaryFolder folder_;
  const Certificate certificate_;
  int listener_;
  ServerProcess server_;
};

}  // namespace colibri::test
