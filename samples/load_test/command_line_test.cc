#include "samples/load_test/command_line.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace load_test {
namespace {

using Words = std::vector<const char*>;

std::optional<CommandLine> parse(Words words, int& exit_status) {
  words.insert(words.begin(), "load_test");
  return parse_command_line(static_cast<int>(words.size()), words.data(), exit_status);
}

Options options_of(const Words& words) {
  int exit_status = 0;
  const auto line = parse(words, exit_status);
  EXPECT_TRUE(line.has_value());
  return line.value_or(CommandLine{}).options;
}

TEST(CommandLineTest, HasTheDefaultsOfTheLibrary) {
  const Options parsed = options_of({});
  const Options defaults;
  EXPECT_EQ(parsed.port, defaults.port);
  EXPECT_EQ(parsed.connections, defaults.connections);
  EXPECT_EQ(parsed.depth, defaults.depth);
  EXPECT_EQ(parsed.warmup, defaults.warmup);
  EXPECT_EQ(parsed.duration, defaults.duration);
  EXPECT_EQ(parsed.connect_timeout, defaults.connect_timeout);
  EXPECT_EQ(parsed.grace, defaults.grace);
  EXPECT_EQ(parsed.protocol, defaults.protocol);
  EXPECT_EQ(parsed.verify_server, defaults.verify_server);
}

TEST(CommandLineTest, LimitsWhatIsInFlightAsTheProtocolWants) {
  EXPECT_EQ(options_of({"--rate", "10"}).depth, 0U);
  EXPECT_EQ(options_of({"--rate", "10", "--depth", "3"}).depth, 3U);
  EXPECT_EQ(options_of({"--rate", "10", "--protocol", "http"}).depth, 1U);
  EXPECT_EQ(options_of({"--protocol", "http", "--depth", "4"}).depth, 4U);
}

TEST(CommandLineTest, TakesStagesInTheirOrder) {
  const Options options = options_of({"--stage", "ramp:0-10:1s", "--stage", "hold:10:500ms"});
  ASSERT_EQ(options.stages.size(), 2U);
  EXPECT_EQ(options.stages[1].text(), "hold:10:0.5s");
  EXPECT_EQ(options.measured_time(), std::chrono::milliseconds(1500));
  EXPECT_TRUE(options.open_loop());
  EXPECT_EQ(options.depth, 0U);
}

TEST(CommandLineTest, TakesAllOfHttpAndTls) {
  const Options options =
      options_of({"--protocol", "http", "--path", "/a?b=c", "--body-bytes", "7", "--header",
                  "Accept: text/html", "--header", "X-Y:z", "--tls", "--insecure"});
  EXPECT_EQ(options.path, "/a?b=c");
  EXPECT_EQ(options.body_bytes, 7U);
  EXPECT_EQ(options.headers, (std::vector<std::string>{"Accept: text/html", "X-Y:z"}));
  EXPECT_TRUE(options.tls);
  EXPECT_FALSE(options.verify_server);
}

TEST(CommandLineTest, TakesASweep) {
  int exit_status = 0;
  const auto line = parse({"--sweep", "10-1000:5", "--p99-limit", "2.5"}, exit_status);
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(line->task, CommandLine::Task::kSweep);
  EXPECT_EQ(line->sweep.steps, 5U);
  EXPECT_EQ(line->sweep.p99_limit, 2500);
  EXPECT_EQ(line->options.depth, 0U);
}

TEST(CommandLineTest, TakesTwoFilesToCompare) {
  int exit_status = 0;
  const auto line = parse({"compare", "/dev/null", "/etc/passwd", "--json"}, exit_status);
  ASSERT_TRUE(line.has_value());
  EXPECT_EQ(line->task, CommandLine::Task::kCompare);
  EXPECT_EQ(line->compared[1], "/etc/passwd");
  EXPECT_TRUE(line->json);
}

struct Mistake {
  Words words;
  const char* said;
};

TEST(CommandLineTest, RefusesWhatMakesNoSenseInASentence) {
  const std::vector<Mistake> mistakes = {
      {{"--connections", "0"}, "--connections: must not be 0 without --idle"},
      {{"--connections", "0", "--idle", "1", "--rate", "1"}, "--rate: needs at least one"},
      {{"--rate", "nan"}, "'nan' is not a rate"},
      {{"--stage", "jump:1:1s"}, "begins with ramp:"},
      {{"--stage", "hold:1:1s", "--rate", "5"}, "--rate: is said by --stage"},
      {{"--stage", "hold:1:1s", "--duration", "5"}, "--duration: is said by --stage"},
      {{"--stage", "hold:1:1s", "--connections", "0", "--idle", "1"}, "--stage: needs"},
      {{"--sweep", "5-4"}, "is no sweep"},
      {{"--sweep", "4-5", "--rate", "5"}, "--rate: has no meaning with --sweep"},
      {{"--sweep", "4-5", "--stage", "hold:1:1s"}, "--stage: has no meaning with --sweep"},
      {{"--p99-limit", "5"}, "--p99-limit: needs --sweep"},
      {{"compare", "/dev/null"}, "SECOND is required"},
      {{"compare", "/no/such/file", "/dev/null"}, "does not exist"},
      {{"--duration", "0"}, "'0' is not a number of seconds"},
      {{"--protocol", "smtp"}, "--protocol"},
      {{"--path", "/"}, "--path: needs --protocol http"},
      {{"--body-bytes", "1"}, "--body-bytes: needs --protocol http"},
      {{"--header", "A: b"}, "--header: needs --protocol http"},
      {{"--protocol", "http", "--message-bytes", "5"}, "has --body-bytes"},
      {{"--protocol", "http", "--path", "x"}, "'x' is no path"},
      {{"--protocol", "http", "--path", "/a b"}, "'/a b' is no path"},
      {{"--protocol", "http", "--header", "A b: c"}, "is no header line"},
      {{"--protocol", "http", "--header", "A: b\r\nC: d"}, "is no header line"},
      {{"--protocol", "framed-echo", "--message-bytes", "16777217"}, "16777216 at most"},
      {{"--insecure"}, "--insecure: needs --tls"},
      {{"--server-name", "a"}, "--server-name: needs --tls"},
      {{"--tls", "--insecure", "--ca", "/dev/null"}, "believes anybody"},
      {{"--tls", "--ca", "/no/such/file"}, "does not exist"},
  };
  for (const Mistake& mistake : mistakes) {
    int exit_status = 0;
    testing::internal::CaptureStderr();
    EXPECT_FALSE(parse(mistake.words, exit_status).has_value()) << mistake.said;
    EXPECT_EQ(exit_status, 2) << mistake.said;
    EXPECT_NE(testing::internal::GetCapturedStderr().find(mistake.said), std::string::npos)
        << mistake.said;
  }
}

TEST(CommandLineTest, HelpIsNoFailure) {
  int exit_status = 5;
  testing::internal::CaptureStdout();
  EXPECT_FALSE(parse({"--help"}, exit_status).has_value());
  EXPECT_EQ(exit_status, 0);
  EXPECT_NE(testing::internal::GetCapturedStdout().find("--protocol"), std::string::npos);
}

}  // namespace
}  // namespace load_test
