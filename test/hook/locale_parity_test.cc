// uselocale gives what libc gives, and in a coroutine it is the coroutine's own.
#include <gtest/gtest.h>
#include <locale.h>

#include <cstdlib>

#include "colibri/core/coroutine.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/hook/pthread_functions.h"
#include "test/support/run_in_scheduler.h"

namespace colibri::test {
namespace {

/// A locale without a name of its own, for the scope.
class Locale {
 public:
  ~Locale() { freelocale(locale_); }
  Locale() = default;
  Locale(const Locale&) = delete;
  Locale& operator=(const Locale&) = delete;
  operator locale_t() const noexcept { return locale_; }

 private:
  locale_t locale_ = newlocale(LC_ALL_MASK, "C.UTF-8", nullptr);  // "C" is one for all
};

const char* name_of(locale_t locale, const Locale& own) {
  if (locale == nullptr) return "none";
  if (locale == LC_GLOBAL_LOCALE) return "global";
  return locale == own ? "own" : "other";
}

const ParityCase kCases[] = {
    {"BeginsAsTheGlobalOne", "global",
     [](Session& session) {
       const Locale own;
       const auto use = session.either("uselocale", &uselocale);
       session.note(name_of(use(nullptr), own));
     }},
    {"ReturnsThePreviousOne", "global, own, own, own, global",
     [](Session& session) {
       const Locale own;
       const auto use = session.either("uselocale", &uselocale);
       session.note(name_of(use(own), own));
       session.note(name_of(use(nullptr), own));
       session.note(name_of(use(own), own));
       session.note(name_of(use(LC_GLOBAL_LOCALE), own));
       session.note(name_of(use(nullptr), own));
     }},
    {"OfAnotherFlowIsItsOwn", "global, own, own",
     [](Session& session) {
       const auto own = std::make_shared<Locale>();
       const auto use = session.either("uselocale", &uselocale);
       use(*own);
       elsewhere(session, [&session, use, own] {
         session.note(name_of(use(nullptr), *own));
         use(*own);
         session.note(name_of(use(nullptr), *own));
       });
       session.note(name_of(use(nullptr), *own));
       use(LC_GLOBAL_LOCALE);
     }},
};

class LocaleParity : public testing::TestWithParam<ParityCase> {};

TEST_P(LocaleParity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Cases, LocaleParity, testing::ValuesIn(kCases),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

/// Has a locale of its own over many switches, some of them while exceptions are in flight.
void keep(const Locale& own, int turns) {
  EXPECT_EQ(uselocale(nullptr), LC_GLOBAL_LOCALE);
  uselocale(own);
  for (int i = 0; i < turns; ++i) {
    yield();
    EXPECT_EQ(uselocale(nullptr), own);
    try {
      throw i;
    } catch (int thrown) {
      yield();
      EXPECT_EQ(thrown, i);
      EXPECT_EQ(uselocale(nullptr), own);
    }
    EXPECT_EQ(std::uncaught_exceptions(), 0);
  }
}

TEST(LocaleOfACoroutine, IsKeptOverEverySwitchAndLeftAtTheEnd) {
  run_in_scheduler([] {
    const Locale first;
    const Locale second;
    auto one = spawn([&first] { keep(first, 10); });
    auto two = spawn([&second] { keep(second, 5); });
    for (int i = 0; i < 30; ++i) {
      yield();
      EXPECT_EQ(uselocale(nullptr), LC_GLOBAL_LOCALE);
      EXPECT_EQ(std::uncaught_exceptions(), 0);
    }
    one.join();
    two.join();
    EXPECT_EQ(uselocale(nullptr), LC_GLOBAL_LOCALE);
  });
  EXPECT_EQ(uselocale(nullptr), LC_GLOBAL_LOCALE);
}

TEST(LocaleOfACoroutine, LetsTheThreadKeepItsOwn) {
  const Locale of_thread;
  const Locale own;
  uselocale(of_thread);
  Coroutine coroutine([&] {
    EXPECT_EQ(uselocale(nullptr), of_thread) << "a coroutine begins with its thread's";
    uselocale(own);
    Coroutine::yield();
    EXPECT_EQ(uselocale(nullptr), own);
    Coroutine::yield();
    EXPECT_EQ(uselocale(nullptr), own);
    EXPECT_EQ(uselocale(LC_GLOBAL_LOCALE), own);
  });
  coroutine.resume();
  EXPECT_EQ(uselocale(nullptr), of_thread);
  coroutine.resume();
  EXPECT_EQ(uselocale(LC_GLOBAL_LOCALE), of_thread);
  coroutine.resume();
  EXPECT_TRUE(coroutine.done());
  EXPECT_EQ(uselocale(nullptr), LC_GLOBAL_LOCALE);
}

}  // namespace
}  // namespace colibri::test
