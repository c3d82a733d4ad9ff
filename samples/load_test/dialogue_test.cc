#include "samples/load_test/dialogue.h"

#include <gtest/gtest.h>

namespace load_test {
namespace {

Options http_options() {
  Options options;
  options.protocol = Protocol::kHttp;
  options.host = "example.org";
  options.port = 80;
  return options;
}

TEST(DialogueTest, AsksForAPath) {
  Options options = http_options();
  options.path = "/a?b";
  EXPECT_EQ(http_request(options), "GET /a?b HTTP/1.1\r\nHost: example.org:80\r\n\r\n");
}

TEST(DialogueTest, SendsABodyWithItsLength) {
  Options options = http_options();
  options.body_bytes = 28;
  EXPECT_EQ(http_request(options),
            "POST / HTTP/1.1\r\nHost: example.org:80\r\nContent-Length: 28\r\n\r\n"
            "abcdefghijklmnopqrstuvwxyzab");
}

TEST(DialogueTest, LinesOfOnesOwnAreSent) {
  Options options = http_options();
  options.headers = {"Accept: text/html"};
  EXPECT_EQ(http_request(options),
            "GET / HTTP/1.1\r\nHost: example.org:80\r\nAccept: text/html\r\n\r\n");
  options.headers = {"host: other"};
  EXPECT_EQ(http_request(options), "GET / HTTP/1.1\r\nhost: other\r\n\r\n");
}

TEST(DialogueTest, AnAddressOfIPv6HasBrackets) {
  Options options = http_options();
  options.host = "::1";
  EXPECT_EQ(http_request(options), "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n");
}

TEST(DialogueTest, MessagesAreAsLongAsTheyAreSent) {
  Options options = http_options();
  EXPECT_EQ(requests_of(options).message_bytes(), http_request(options).size());
  options.protocol = Protocol::kEcho;
  EXPECT_EQ(requests_of(options).message_bytes(), 64U);
  options.protocol = Protocol::kFramedEcho;
  EXPECT_EQ(requests_of(options).message_bytes(), 68U);
}

}  // namespace
}  // namespace load_test
