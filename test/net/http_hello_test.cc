// The sample http_hello as a program of https, asked by curl, by loaders and by a browser. The last
// of these are there where bazel/setup --full has been.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "samples/echo_demo/child_process.h"
#include "samples/echo_demo/programs.h"
#include "test/net/test_certificates.h"

namespace colibri::test {
namespace {

using echo_demo::ChildProcess;
using echo_demo::find_program;
using std::chrono::seconds;
using testing::HasSubstr;

class HttpHello : public testing::Test {
 protected:
  HttpHello() {
    constexpr std::string_view kBegin = "listening on 127.0.0.1:";
    const std::string line = server_.read_line(seconds(10));
    EXPECT_TRUE(line.starts_with(kBegin)) << line;
    port_ = line.substr(kBegin.size());
  }
  ~HttpHello() override {
    kill(server_.pid(), SIGTERM);
    EXPECT_EQ(server_.await_end(seconds(30)), 0);
  }

  std::string url(const std::string& target) const { return "https://localhost:" + port_ + target; }

  const TestAuthority authority_;
  const TlsCertificate certificate_ = authority_.issue("localhost");
  ChildProcess server_{{find_program("samples/http_hello"), "--port", "0", "--certificate",
                        certificate_.chain_file, "--key", certificate_.key_file},
                       {}};
  std::string port_;
};

TEST_F(HttpHello, IsAskedByCurl) {
  ChildProcess curl({"/usr/bin/curl", "-sS", "--max-time", "20", "--cacert", authority_.file(),
                     "--write-out", "%{http_code} %{http_version} %{num_connects}\\n", "--data",
                     "a text", url("/upper"), url("/hello"), url("/nowhere")},
                    {});
  EXPECT_EQ(curl.finish(seconds(30)),
            "A TEXT200 1.1 1\n"
            "hello\n200 1.1 0\n"
            "there is /hello and /upper\n404 1.1 0\n");
}

TEST_F(HttpHello, IsNotBelievedByWhoDoesNotKnowItsAuthority) {
  ChildProcess curl({"/usr/bin/curl", "-sS", "--max-time", "20", url("/hello")}, {});
  EXPECT_EQ(curl.await_end(seconds(30)), 60) << "curl's number for that";
}

TEST_F(HttpHello, AnswersTheLoadTester) {
  ChildProcess tester({find_program("samples/load_test/load_test"),
                       "--port",
                       port_,
                       "--protocol",
                       "http",
                       "--path",
                       "/hello",
                       "--tls",
                       "--ca",
                       authority_.file(),
                       "--server-name",
                       "localhost",
                       "--connections",
                       "20",
                       "--warmup",
                       "0",
                       "--duration",
                       "1",
                       "--verify",
                       "--json"},
                      {});
  const std::string result = tester.finish(seconds(60));
  EXPECT_THAT(result, HasSubstr("\"good\": true"));
}

#define SKIP_WITHOUT(program) \
  if (access(program, X_OK) != 0) GTEST_SKIP() << "there is no " program

TEST_F(HttpHello, AnswersH2load) {
  SKIP_WITHOUT("/usr/bin/h2load");
  ChildProcess h2load(
      {"/usr/bin/h2load", "--h1", "-n", "400", "-c", "20", "-m", "1", url("/hello")}, {});
  const std::string said = h2load.finish(seconds(60));
  EXPECT_THAT(said, HasSubstr("Application protocol: http/1.1"));
  EXPECT_THAT(said, HasSubstr("400 succeeded, 0 failed, 0 errored, 0 timeout"));
  EXPECT_THAT(said, HasSubstr("400 2xx, 0 3xx, 0 4xx, 0 5xx"));
}

TEST_F(HttpHello, AnswersWrk) {
  SKIP_WITHOUT("/usr/bin/wrk");
  ChildProcess wrk({"/usr/bin/wrk", "-t", "1", "-c", "20", "-d", "1s", url("/hello")}, {});
  const std::string said = wrk.finish(seconds(60));
  EXPECT_THAT(said, testing::ContainsRegex("[1-9][0-9]* requests in"));
  EXPECT_THAT(said, testing::Not(HasSubstr("Socket errors"))) << said;
  EXPECT_THAT(said, testing::Not(HasSubstr("Non-2xx"))) << said;
}

TEST_F(HttpHello, IsShownByABrowser) {
  SKIP_WITHOUT("/usr/bin/chromium");
  const std::string home = testing::TempDir() + "http_hello_browser";
  ChildProcess chromium({"/usr/bin/chromium", "--headless=new", "--no-sandbox", "--disable-gpu",
                         "--disable-dev-shm-usage", "--ignore-certificate-errors",
                         "--user-data-dir=" + home, "--dump-dom", url("/hello")},
                        {});
  EXPECT_THAT(chromium.finish(seconds(60)), HasSubstr(">hello\n</pre>"));
  std::filesystem::remove_all(home);
}

}  // namespace
}  // namespace colibri::test
