// HttpFields, and the texts that answers are made of.
#include "colibri/net/http_fields.h"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>

#include "colibri/net/http_date.h"
#include "colibri/net/http_head.h"
#include "colibri/net/http_message.h"
#include "test/support/failing_allocations.h"

namespace colibri {
namespace {

TEST(HttpFields, AreFoundWithoutRegardToCase) {
  HttpFields fields{{"Host", "a"}, {"X-Two", "1"}, {"x-two", "2"}};
  EXPECT_EQ(fields.size(), 3U);
  EXPECT_EQ(fields.find("hOST"), "a");
  EXPECT_EQ(fields.find("X-TWO"), "1") << "the first";
  EXPECT_EQ(fields.count("X-Two"), 2U);
  EXPECT_EQ(fields.find("Hos"), std::nullopt);
  EXPECT_EQ(fields.find("Host2"), std::nullopt);
  EXPECT_EQ(fields[2].name, "x-two");
  EXPECT_EQ(fields[2].value, "2");
  const HttpFields copy = fields;
  fields.clear();
  EXPECT_TRUE(fields.empty());
  EXPECT_EQ(copy.find("Host"), "a");
}

TEST(HttpFields, TokensOfListsAreFoundWhole) {
  const HttpFields fields{{"Connection", "keep-alive ,\tUpgrade"}, {"Connection", ",close"}};
  EXPECT_TRUE(fields.has_token("connection", "upgrade"));
  EXPECT_TRUE(fields.has_token("Connection", "Keep-Alive"));
  EXPECT_TRUE(fields.has_token("Connection", "close"));
  EXPECT_FALSE(fields.has_token("Connection", "keep"));
  EXPECT_FALSE(fields.has_token("Connection", "keep-alive ,\tUpgrade"));
  EXPECT_FALSE(fields.has_token("Via", "close"));
}

TEST(HttpFields, WhatWouldEndAFieldIsRefused) {
  HttpFields fields;
  for (const std::string_view name : {"", "a b", "a:", "a\r\n", "\xc3\xa4", "a\"", "(a)"}) {
    EXPECT_THROW(fields.add(name, "value"), std::invalid_argument) << name;
  }
  const std::string_view nul("a\0b", 3);
  for (const std::string_view value : {std::string_view("a\r\nSet-Cookie: b"),
                                       std::string_view("a\n"), std::string_view("\r"), nul}) {
    EXPECT_THROW(fields.add("Name", value), std::invalid_argument) << value;
  }
  EXPECT_TRUE(fields.empty());
  fields.add("!#$%&'*+-.^_`|~09azAZ", "\xc3\xa4 \t\"");
  EXPECT_EQ(fields.size(), 1U);
}

TEST(HttpFields, AFieldForWhichThereIsNoMemoryIsNotThere) {
  const std::string value(1000, 'v');
  bool has_failed = true;
  for (std::size_t successes = 0; has_failed; ++successes) {
    ASSERT_LT(successes, 10U);
    HttpFields fields{{"Host", "a"}};
    {
      const test::FailingAllocations failing(successes);
      try {
        fields.add("X", value);
      } catch (const std::bad_alloc&) {
        // As it should.
      }
      has_failed = failing.has_failed();
    }
    ASSERT_EQ(fields.size(), has_failed ? 1U : 2U) << successes;
    EXPECT_EQ(fields.find("X").has_value(), !has_failed);
    fields.add("After", "b");
    EXPECT_EQ(fields.find("Host"), "a");
    EXPECT_EQ(fields.find("After"), "b");
  }
}

TEST(HttpTexts, DatesAreThoseOfTheStandard) {
  EXPECT_EQ(net_detail::http_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(net_detail::http_date(951782400), "Tue, 29 Feb 2000 00:00:00 GMT");
  EXPECT_EQ(net_detail::http_date().size(), 29U);
}

/// A stream on which every write waits, while others ask for other dates.
struct SlowStream {
  std::string sent{};

  std::size_t read_some(std::span<std::byte>) { return 0; }
  std::optional<std::size_t> try_read_some(std::span<std::byte>) { return 0; }
  void write_all(std::span<const std::byte> bytes) {
    net_detail::http_date(0);
    sent.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  [[noreturn]] void fail(std::string_view what) { throw std::runtime_error(std::string(what)); }
};

TEST(HttpTexts, TheDateOfAHeadDoesNotChangeWhileItIsSent) {
  SlowStream stream;
  BufferedWriter writer(stream, 1);
  net_detail::write_http_head(writer, {},
                              {.chunked = false,
                               .length = 0,
                               .fate = net_detail::ConnectionFate::kStays,
                               .minor_version = 1});
  EXPECT_NE(stream.sent.find("\r\nDate: "), std::string::npos);
  EXPECT_EQ(stream.sent.find("1970"), std::string::npos) << stream.sent;
}

TEST(HttpTexts, StatusesHaveReasons) {
  EXPECT_EQ(http_reason(100), "Continue");
  EXPECT_EQ(http_reason(404), "Not Found");
  EXPECT_EQ(http_reason(505), "HTTP Version Not Supported");
  EXPECT_EQ(http_reason(299), "Unknown");
  EXPECT_EQ(http_reason(999), "Unknown");
}

}  // namespace
}  // namespace colibri
