#include "colibri/core/signal_text.h"

#include <gtest/gtest.h>

#include <string>

namespace colibri {
namespace {

std::string symbol(const char* mangled) {
  SignalText text;
  text.add_symbol(mangled);
  return std::string(text.view());
}

TEST(SignalText, PutsPiecesTogether) {
  SignalText text;
  text.add("a ").add_number(17).add(" ").add_hexadecimal(0xbeef).add(" ").add_size(256 * 1024);
  text.add(" ").add_size(2 * 1024 * 1024);
  EXPECT_EQ(text.view(), "a 17 0xbeef 256 KiB 2 MiB");
}

TEST(SignalText, CutsOffWhatDoesNotFit) {
  SignalText text;
  for (int i = 0; i < 300; ++i) text.add("12345678");
  EXPECT_EQ(text.view().size(), 1'024U);
}

TEST(SignalText, WritesPlainNamesAsPeopleDo) {
  EXPECT_EQ(symbol("main"), "main");
  EXPECT_EQ(symbol("_Z5serveR6Socket"), "serve");
  EXPECT_EQ(symbol("_ZN7colibri15coroutine_entryEPv"), "colibri::coroutine_entry");
  EXPECT_EQ(symbol("_ZN12_GLOBAL__N_15parseEi"), "(anonymous namespace)::parse");
}

TEST(SignalText, LeavesOtherNamesAsTheyAre) {
  for (const char* mangled :
       {"_Z", "_ZN", "_ZN3", "_ZN9abc", "_ZNSt6vectorIiE4sizeEv", "_Z3maxIiET_", "_ZN1aplEv",
        "_ZNK3abc3defEv", "_ZZ4mainENKUlvE_clEv", "", "_Z99x"}) {
    EXPECT_EQ(symbol(mangled), mangled);
  }
}

}  // namespace
}  // namespace colibri
