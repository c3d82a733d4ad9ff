// libcurl against nginx, by HTTP and HTTPS.
#include <curl/curl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "colibri/core/deadline.h"
#include "colibri/core/event.h"
#include "colibri/core/task.h"
#include "test/clients/bounded_test.h"
#include "test/clients/crowd.h"
#include "test/clients/held_pages.h"
#include "test/clients/server_process.h"
#include "test/clients/servers.h"
#include "test/support/run_in_scheduler.h"

namespace colibri::test {
namespace {

using namespace std::chrono_literals;

struct Deleter {
  void operator()(CURL* transfer) const { curl_easy_cleanup(transfer); }
};

using Transfer = std::unique_ptr<CURL, Deleter>;

std::size_t append(char* bytes, std::size_t size, std::size_t count, void* text) {
  static_cast<std::string*>(text)->append(bytes, size * count);
  return size * count;
}

class CurlTest : public BoundedTest, public testing::WithParamInterface<const char*> {
 protected:
  static void SetUpTestSuite() { curl_global_init(CURL_GLOBAL_ALL); }
  static void TearDownTestSuite() { curl_global_cleanup(); }

  /// One that appends to `body` what it fetches.
  Transfer make_transfer(std::string& body) const {
    Transfer transfer(curl_easy_init());
    curl_easy_setopt(transfer.get(), CURLOPT_CAINFO, certificate_.certificate.c_str());
    curl_easy_setopt(transfer.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(transfer.get(), CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(transfer.get(), CURLOPT_WRITEDATA, &body);
    return transfer;
  }

  /// By the scheme that is the test's parameter.
  CURLcode fetch(const Transfer& transfer, const std::string& path) const {
    const std::string url = std::string(GetParam()) + "://127.0.0.1:" + server_.port_text() + path;
    curl_easy_setopt(transfer.get(), CURLOPT_URL, url.c_str());
    return curl_easy_perform(transfer.get());
  }

  std::string fetch(const std::string& path) const {
    std::string body;
    const CURLcode result = fetch(make_transfer(body), path);
    if (result != CURLE_OK) throw std::runtime_error(curl_easy_strerror(result));
    return body;
  }

  /// Requests that nginx is at work on, but for the one that asks it.
  int waiting_clients() const {
    const std::string counters = fetch("/counters");
    const std::string name = "Writing: ";
    return std::stoi(counters.substr(counters.find(name) + name.size())) - 1;
  }

  /// How many requests nginx has answered.
  auto logged_requests() const {
    const std::string log = folder_.read("access.log");
    return std::count(log.begin(), log.end(), '\n');
  }

  const HeldPages& held_pages() const { return held_pages_; }

 private:
  bool secure() const { return std::string(GetParam()) == "https"; }

  TemporaryFolder folder_;
  HeldPages held_pages_{folder_};
  const Certificate certificate_ = make_certificate(folder_);
  ServerProcess server_{
      folder_, nginx_server(folder_, secure() ? std::optional(certificate_) : std::nullopt)};
};

TEST_P(CurlTest, AllWaitForAPageAtOnce) {
  const Event open;
  bool serving = false;
  const auto client = [&](int number) {
    const std::string path = "/held/" + std::to_string(number);
    EXPECT_EQ(fetch(path), HeldPages::page(path));
  };
  const auto waiting = [&] {
    if (!std::exchange(serving, true)) go([&] { held_pages().serve(open); });
    return waiting_clients();
  };
  expect_crowd(client, {.waiting = waiting, .open = [&] { open.set(); }});
  EXPECT_EQ(logged_requests(), kClients);
}

TEST_P(CurlTest, ATimeLimitEndsATransfer) {
  run_in_scheduler([this] {
    std::string body;
    const Transfer transfer = make_transfer(body);
    {
      const TimeLimit limit(20ms);
      EXPECT_NE(fetch(transfer, "/held/never"), CURLE_OK);
    }
    EXPECT_EQ(body, "");
    EXPECT_EQ(fetch(transfer, "/counters"), CURLE_OK);
    EXPECT_NE(body, "");
  });
}

INSTANTIATE_TEST_SUITE_P(Schemes, CurlTest, testing::Values("http", "https"),
                         [](const auto& instance) { return std::string(instance.param); });

}  // namespace
}  // namespace colibri::test
