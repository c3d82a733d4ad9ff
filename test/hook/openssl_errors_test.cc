// OpenSSL's error queue, which is thread-specific data, is each coroutine's own: also if OpenSSL
// was initialised in main, before the first coroutine.
#include <gtest/gtest.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

#include <cstddef>

#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"

namespace colibri::test {
namespace {

/// Before main, and so before any coroutine: the keys of libcrypto are made here.
const bool initialised =
    OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CRYPTO_STRINGS, nullptr) == 1 && ERR_get_error() == 0;

/// Raises ten errors with turns of others in between, and expects to find these ten, in order.
void raise_and_find(int first_reason) {
  EXPECT_EQ(ERR_peek_error(), 0u) << "it sees an error of another coroutine";
  for (int i = 0; i < 10; ++i) {
    ERR_raise(ERR_LIB_USER, first_reason + i);
    yield();
  }
  for (int i = 0; i < 10; ++i) {
    const unsigned long error = ERR_get_error();
    EXPECT_EQ(ERR_GET_LIB(error), ERR_LIB_USER);
    EXPECT_EQ(ERR_GET_REASON(error), first_reason + i);
    yield();
  }
  EXPECT_EQ(ERR_get_error(), 0u);
}

TEST(OpensslErrors, AreTheCoroutinesOwn) {
  ASSERT_TRUE(initialised);
  run_in_scheduler([] {
    auto first = spawn(raise_and_find, 100);
    auto second = spawn(raise_and_find, 200);
    raise_and_find(300);
    first.join();
    second.join();
  });
}

TEST(OpensslErrors, OfTheThreadAreNotThoseOfItsCoroutines) {
  ERR_clear_error();
  ERR_raise(ERR_LIB_USER, 99);
  run_in_scheduler([] { raise_and_find(100); });
  EXPECT_EQ(ERR_GET_REASON(ERR_get_error()), 99);
  EXPECT_EQ(ERR_get_error(), 0u);
}

// The queue of each is freed with it: what a thousand coroutines leave is what one does.
TEST(OpensslErrors, AreFreedWithTheCoroutine) {
  run_in_scheduler([] {
    const auto bytes_after = [](int coroutines) {
      for (int i = 0; i < coroutines; ++i) spawn(raise_and_find, 100).join();
      return mallinfo2().uordblks;
    };
    const std::size_t after_one = bytes_after(1);
    // A queue takes some 600 bytes and more.
    EXPECT_LT(bytes_after(1000), after_one + 100'000);
  });
}

}  // namespace
}  // namespace colibri::test
