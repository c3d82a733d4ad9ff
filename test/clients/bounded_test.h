// A test that ends, whatever happens.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include "test/clients/server_process.h"

namespace colibri::test {

/// Base of fixtures: the kernel ends the process when a test has not ended in time. A thread that
/// is blocked can be ended by nothing else; the servers go with it.
class BoundedTest : public testing::Test {
 protected:
  BoundedTest() { alarm(static_cast<unsigned>(kHang.count())); }
  ~BoundedTest() override { alarm(0); }
};

}  // namespace colibri::test
