// The sample http_hello as a program of https, asked by curl and by the load tester.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
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

}  // namespace
}  // namespace colibri::test
