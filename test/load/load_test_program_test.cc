// The load tester as a program: what it writes besides its result, and its other tasks.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

#include "samples/echo_demo/programs.h"
#include "test/load/echo_server_process.h"

namespace colibri::test {
namespace {

std::string temporary_file(const std::string& name) {
  return testing::TempDir() + '/' + name;
}

std::string contents_of(const std::string& name) {
  std::ifstream file(name);
  EXPECT_TRUE(file.good()) << name;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

TEST(LoadTestProgramTest, WritesAReportAndEachSecond) {
  const std::string page = temporary_file("report.html");
  const std::string csv = temporary_file("seconds.csv");
  EchoServerProcess server;
  LoadTester tester(server, 10,
                    {"--duration", "2", "--threads", "2", "--report", page, "--csv", csv});
  const auto outcome = tester.await_end();
  expect_flawless(outcome, 10);
  ASSERT_EQ(outcome.report["each_second"].size(), 2U);
  for (const auto& second : outcome.report["each_second"]) {
    EXPECT_TRUE(second.contains("server_resident_bytes")) << "the server was not found";
  }
  EXPECT_TRUE(contents_of(page).ends_with("</html>\n"));
  const std::string lines = contents_of(csv);
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 3);
}

TEST(LoadTestProgramTest, SweepsFromTheLowestRateOn) {
  EchoServerProcess server;
  LoadTester tester(server, 5, {"--sweep", "50-200:3", "--duration", "0.3"});
  const auto outcome = tester.await_end();
  EXPECT_EQ(outcome.status, 0) << outcome.complaint;
  ASSERT_FALSE(outcome.report.is_null()) << outcome.complaint;
  ASSERT_GE(outcome.report["steps"].size(), 1U);
  EXPECT_EQ(outcome.report["steps"][0]["rate"], 50);
  EXPECT_EQ(outcome.report["steps"][0]["errors"], 0);
}

TEST(LoadTestProgramTest, ComparesResultsThatItPrinted) {
  EchoServerProcess server;
  LoadTester tester(server, 5, {"--duration", "1"});
  const std::string name = temporary_file("result.json");
  std::ofstream(name) << tester.await_end().report.dump();

  echo_demo::ChildProcess comparing(
      {echo_demo::find_program("samples/load_test/load_test"), "compare", name, name}, {});
  const std::string text = comparing.finish(kHang);
  EXPECT_NE(text.find("no difference shown"), std::string::npos) << text;
  EXPECT_EQ(text.find("better"), std::string::npos) << text;
  EXPECT_NE(text.find("too few seconds"), std::string::npos) << text;
}

TEST(LoadTestProgramTest, SaysWhichFileCannotBeWritten) {
  EchoServerProcess server;
  LoadTester tester(server, 5, {"--duration", "0.1", "--csv", "/no/such/folder/file.csv"});
  const auto outcome = tester.await_end();
  EXPECT_EQ(outcome.status, 2);
  EXPECT_NE(outcome.complaint.find("cannot write '/no/such/folder/file.csv'"), std::string::npos)
      << outcome.complaint;
}

}  // namespace
}  // namespace colibri::test
