// libcurl as it is: pages fetched at once on one thread, each within ten seconds.
//
//   bazel run --config=opt //samples/clients:curl -- http://127.0.0.1:8080/ http://127.0.0.1:8081/
//
// Prints for two pages of 14 bytes, one that is not there and a server that is not there:
//
// 200, 14 bytes
// 200, 14 bytes
// 404, 153 bytes
// Couldn't connect to server
#include <curl/curl.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "colibri/colibri.h"

using namespace std::chrono_literals;

namespace {

struct Free {
  void operator()(CURL* transfer) const { curl_easy_cleanup(transfer); }
};

std::size_t count_bytes(const char*, std::size_t size, std::size_t number, void* sum) {
  *static_cast<std::size_t*>(sum) += size * number;
  return size * number;
}

std::string fetch(const std::string& url) {
  const colibri::TimeLimit limit(10s);
  const std::unique_ptr<CURL, Free> transfer(curl_easy_init());
  std::size_t bytes = 0;
  curl_easy_setopt(transfer.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(transfer.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(transfer.get(), CURLOPT_WRITEFUNCTION, count_bytes);
  curl_easy_setopt(transfer.get(), CURLOPT_WRITEDATA, &bytes);
  const CURLcode result = curl_easy_perform(transfer.get());
  if (result != CURLE_OK) return curl_easy_strerror(result);
  long status = 0;
  curl_easy_getinfo(transfer.get(), CURLINFO_RESPONSE_CODE, &status);
  return std::to_string(status) + ", " + std::to_string(bytes) + " bytes";
}

}  // namespace

int main(int count, char** arguments) {
  curl_global_init(CURL_GLOBAL_ALL);
  const int result = colibri::run([&] {
    std::vector<colibri::Task<std::string>> pages;
    for (int i = 1; i < count; ++i) pages.push_back(colibri::spawn(fetch, arguments[i]));
    for (auto& page : pages) std::printf("%s\n", page.join().c_str());
  });
  curl_global_cleanup();
  return result;
}
