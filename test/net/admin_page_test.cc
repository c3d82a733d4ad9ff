#include "colibri/net/admin_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "colibri/core/unwinder.h"
#include "test/net/http_client.h"
#include "test/net/running.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using test::HttpAnswer;
using test::HttpClient;
using testing::HasSubstr;
using testing::StartsWith;

/// An AdminPage that runs while a test's scope lasts.
class RunningPage : public test::Running<AdminPage> {
 public:
  explicit RunningPage(const AdminPageOptions& options = {})
      : Running(std::make_unique<AdminPage>(options)) {}

  HttpAnswer get(const std::string& path, const std::string& fields = "Host: localhost\r\n",
                 const std::string& method = "GET") const {
    HttpClient client(address());
    client.send(method + " " + path + " HTTP/1.1\r\n" + fields + "Connection: close\r\n\r\n");
    return client.read_answer(method != "HEAD");
  }
};

TEST(AdminPage, IsOnePageThatLoadsNothing) {
  test::run_in_scheduler([] {
    RunningPage page;
    const HttpAnswer answer = page.get("/");
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.body, StartsWith("<!doctype html>"));
    EXPECT_THAT(answer.body, testing::EndsWith("</html>\n"));
    EXPECT_EQ(answer.field("Content-Type"), "text/html; charset=utf-8");
    EXPECT_THAT(answer.field("Content-Security-Policy"), HasSubstr("default-src 'none'"));
    for (const char* source : {"src=\"", "href=\"", "url(", "@import", "innerHTML"}) {
      EXPECT_EQ(answer.body.find(source), std::string::npos) << source;
    }
    page.stop();
  });
}

TEST(AdminPage, ListensOnLoopbackUnlessToldOtherwise) {
  test::run_in_scheduler([] {
    RunningPage page;
    EXPECT_THAT(page.address().to_string(), StartsWith("127.0.0.1:"));
    page.stop();
  });
}

TEST(AdminPage, ServesTheMetrics) {
  test::run_in_scheduler([] {
    RunningPage page;
    const HttpAnswer text = page.get("/metrics");
    EXPECT_EQ(text.field("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
    EXPECT_THAT(text.body, HasSubstr("\n# TYPE colibri_slice_seconds histogram\n"));
    const auto json = nlohmann::json::parse(page.get("/metrics.json?of=now").body);
    EXPECT_EQ(json["colibri_coroutines"]["samples"].size(), 1U);
    page.stop();
  });
}

TEST(AdminPage, ServesWhatTheProgramSaysOfCoroutines) {
  prepare_unwinder();  // before descriptors are counted: Valgrind has it keep two
  test::run_in_scheduler([] {
    {
      RunningPage page;
      const auto json = nlohmann::json::parse(page.get("/coroutines.json").body);
      EXPECT_GE(json["groups"].size(), 2U) << "main, and the page's own";
      page.stop();
    }
    int calls = 0;
    RunningPage page({.coroutines = [&calls] {
      ++calls;
      yield();
      return std::string("{}");
    }});
    EXPECT_EQ(page.get("/coroutines.json").body, "{}");
    EXPECT_EQ(page.get("/coroutines.json", "Host: localhost\r\n", "HEAD").status, 200);
    EXPECT_EQ(calls, 2);
    page.stop();
  });
}

TEST(AdminPage, OnlyShows) {
  test::run_in_scheduler([] {
    RunningPage page;
    for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
      const HttpAnswer answer = page.get("/", "Host: localhost\r\nContent-Length: 0\r\n", method);
      EXPECT_EQ(answer.status, 405) << method;
      EXPECT_EQ(answer.field("Allow"), "GET, HEAD");
    }
    EXPECT_EQ(page.get("/secrets").status, 404);
    EXPECT_EQ(page.get("//").status, 404);
    page.stop();
  });
}

TEST(AdminPage, AnswersToNumbersAndToNamesThatItKnows) {
  struct Case {
    const char* fields;
    int status;
  };
  const Case cases[] = {
      {"Host: 127.0.0.1:8080\r\n", 200},
      {"Host: [::1]:8080\r\n", 200},
      {"Host: localhost\r\n", 200},
      {"Host: LOCALHOST:1\r\n", 200},
      {"Host: admin.example:8080\r\n", 200},
      {"Host: evil.example\r\n", 403},
      {"Host: localhost.evil.example\r\n", 403},
      {"Host: 127.0.0.1.evil.example\r\n", 403},
      {"Host: \r\n", 403},
      {"Host: localhost\r\nSec-Fetch-Site: same-origin\r\n", 200},
      {"Host: localhost\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n", 200},
      {"Host: localhost\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n", 403},
      {"Host: localhost\r\nSec-Fetch-Site: same-site\r\nSec-Fetch-Mode: cors\r\n", 403},
      {"Host: localhost\r\nHost: evil.example\r\n", 400},
      {"", 400},
  };
  test::run_in_scheduler([&] {
    RunningPage page({.hosts = {"admin.example"}});
    for (const Case& each : cases) {
      EXPECT_EQ(page.get("/metrics", each.fields).status, each.status) << each.fields;
    }
    page.stop();
  });
}

}  // namespace
}  // namespace colibri
