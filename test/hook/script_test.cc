// What `colibri run` makes of scripts, and of names without a slash: the same as the kernel, env
// and a shell would.
#include "hook/command/script.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "hook/command/preload.h"

namespace colibri {
namespace {

using Words = std::vector<std::string>;

class ScriptTest : public ::testing::Test {
 protected:
  ScriptTest() { folder_ = ::mkdtemp(name_.data()); }
  ~ScriptTest() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text, mode_t mode) {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path) << text;
    ::chmod(path.c_str(), mode);
    return path;
  }

  std::string folder_;

 private:
  std::string name_ = ::testing::TempDir() + "colibri_script_XXXXXX";
};

TEST_F(ScriptTest, FirstLineIsReadAsTheKernelDoes) {
  const struct {
    const char* text;
    const char* interpreter;  // null: no script
    const char* argument;
  } cases[] = {
      {"#!/bin/sh\necho\n", "/bin/sh", ""},
      {"#! /bin/sh -e -u \n", "/bin/sh", "-e -u"},
      {"#!/bin/sh", "/bin/sh", ""},
      {"#!/usr/bin/env\tpython3\n", "/usr/bin/env", "python3"},
      {"#!\n", nullptr, ""},
      {"#! \t\n", nullptr, ""},
      {"echo\n", nullptr, ""},
      {"", nullptr, ""},
  };
  for (const auto& each : cases) {
    const std::optional<ScriptStart> start = script_start(write("script", each.text, 0700));
    ASSERT_EQ(start.has_value(), each.interpreter != nullptr) << each.text;
    if (!start) continue;
    EXPECT_EQ(start->interpreter, each.interpreter) << each.text;
    EXPECT_EQ(start->argument, each.argument) << each.text;
  }
}

TEST_F(ScriptTest, WhatCannotBeReadIsNoScript) {
  EXPECT_FALSE(script_start(folder_ + "/absent"));
}

TEST_F(ScriptTest, EnvIsUnderstoodWhereItOnlyLooksUpAName) {
  const struct {
    ScriptStart start;
    Words words;  // empty: env is left to itself
  } cases[] = {
      {{"/usr/bin/env", "python3"}, {"python3"}},
      {{"/usr/bin/env", "-S python3 -u"}, {"python3", "-u"}},
      {{"/usr/bin/env", "-Spython3 -u"}, {"python3", "-u"}},
      {{"env", "python3"}, {"python3"}},
      {{"/bin/sh", "-e"}, {}},
      {{"/usr/bin/environment", "python3"}, {}},
      {{"/usr/bin/env", ""}, {}},
      {{"/usr/bin/env", "python3 -u"}, {}},
      {{"/usr/bin/env", "-i"}, {}},
      {{"/usr/bin/env", "-S -i python3"}, {}},
      {{"/usr/bin/env", "-S NAME=value python3"}, {}},
      {{"/usr/bin/env", "-S python3 '-u'"}, {}},
      {{"/usr/bin/env", "-S python3 $HOME"}, {}},
  };
  for (const auto& each : cases) {
    EXPECT_EQ(words_for_env(each.start).value_or(Words()), each.words)
        << each.start.interpreter << " " << each.start.argument;
  }
}

TEST_F(ScriptTest, NamesAreLookedUpInPath) {
  const char* before = ::getenv("PATH");
  const std::string path = before != nullptr ? before : "";
  std::filesystem::create_directory(folder_ + "/program");  // cannot be run, whatever its mode says
  std::filesystem::create_directory(folder_ + "/second");
  write("plain", "", 0600);
  const std::string program = write("second/program", "", 0700);

  ::setenv("PATH", (folder_ + ":" + folder_ + "/second").c_str(), 1);
  EXPECT_EQ(find_program("program"), program);
  EXPECT_EQ(find_program("plain"), "");
  EXPECT_EQ(find_program("absent"), "");
  EXPECT_EQ(find_program("./absent"), "./absent");

  const std::filesystem::path working = std::filesystem::current_path();
  std::filesystem::current_path(folder_ + "/second");
  ::setenv("PATH", ":/nowhere", 1);
  EXPECT_EQ(find_program("program"), "./program");
  std::filesystem::current_path(working);

  ::unsetenv("PATH");
  EXPECT_NE(find_program("sh"), "");
  ::setenv("PATH", path.c_str(), 1);
}

}  // namespace
}  // namespace colibri
