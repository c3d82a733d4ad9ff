// libcurl against nginx, by HTTP and HTTPS.
#include <curl/curl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

#include "colibri/core/deadline.h"
#include "colibri/core/event.h"
#include "colibri/core/task.h"
#include "test/clients/crowd.h"
#include "test/clients/nginx_server.h"
#include "test/support/run_in_scheduler.h"

namespace colibri::test {
namespace {

using namespace std::chrono_literals;

struct Deleter {
  void operator()(CURL* transfer) const { curl_easy_cleanup(transfer); }
};

std::size_t append(char* bytes, std::size_t size, std::size_t count, void* text) {
  static_cast<std::string*>(text)->append(bytes, size * count);
  return size * count;
}

class CurlTest : public testing::TestWithParam<Scheme> {
 protected:
  static void SetUpTestSuite() { curl_global_init(CURL_GLOBAL_ALL); }
  static void TearDownTestSuite() { curl_global_cleanup(); }

  CURLcode fetch(const std::string& path, std::string& body) const {
    const std::unique_ptr<CURL, Deleter> transfer(curl_easy_init());
    curl_easy_setopt(transfer.get(), CURLOPT_URL, (nginx_.url() + path).c_str());
    curl_easy_setopt(transfer.get(), CURLOPT_CAINFO, nginx_.certificate_path().c_str());
    curl_easy_setopt(transfer.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(transfer.get(), CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(transfer.get(), CURLOPT_WRITEDATA, &body);
    return curl_easy_perform(transfer.get());
  }

  std::string fetch(const std::string& path) const {
    std::string body;
    const CURLcode result = fetch(path, body);
    if (result != CURLE_OK) throw std::runtime_error(curl_easy_strerror(result));
    return body;
  }

  const NginxServer& nginx() const { return nginx_; }

 private:
  NginxServer nginx_{GetParam()};
};

TEST_P(CurlTest, AllWaitForAPageAtOnce) {
  const Event open;
  Task<void> held;
  const auto client = [&](int number) {
    const std::string path = "/held/" + std::to_string(number);
    EXPECT_EQ(fetch(path), NginxServer::held_answer(path));
  };
  const auto waiting = [&] {
    if (!held.joinable()) held = spawn([&] { nginx().serve_held(open); });
    return NginxServer::requests_in(fetch("/counters"));
  };
  expect_crowd(client, {.waiting = waiting, .open = [&] { open.set(); }});
  const std::string log = nginx().access_log();
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), kClients);
}

TEST_P(CurlTest, ATimeLimitEndsATransfer) {
  run_in_scheduler([this] {
    const TimeLimit limit(20ms);
    std::string body;
    EXPECT_NE(fetch("/held/never", body), CURLE_OK);
    EXPECT_EQ(body, "");
  });
}

INSTANTIATE_TEST_SUITE_P(Schemes, CurlTest, testing::Values(Scheme::kHttp, Scheme::kHttps),
                         [](const auto& instance) {
                           return instance.param == Scheme::kHttp ? "Http" : "Https";
                         });

}  // namespace
}  // namespace colibri::test
