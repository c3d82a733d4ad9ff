// TimeLimit and cancel end lookups of names, whose helpers are then left to themselves.
#include <arpa/inet.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <pwd.h>
#include <resolv.h>

#include <semaphore>

#include "colibri/core/offload.h"
#include "colibri/core/sleep.h"
#include "test/support/channels.h"
#include "test/support/run_in_session.h"
#include "test/support/scale.h"

namespace colibri::test {
namespace {

using std::chrono::milliseconds;

constexpr int kNameHelpers = 64;

/// Keeps all helpers for names busy, so that no lookup of others is even begun.
class BusyHelpers {
 public:
  BusyHelpers() {
    for (int i = 0; i < kNameHelpers; ++i) {
      submit_to_helper(std::make_unique<Job>(*this), HelperSet::kNames);
    }
    for (int i = 0; i < kNameHelpers; ++i) begun_.acquire();
  }
  /// Lets them go, and waits until they have ended.
  ~BusyHelpers() {
    may_end_.release(kNameHelpers);
    for (int i = 0; i < kNameHelpers; ++i) ended_.acquire();
  }
  BusyHelpers(const BusyHelpers&) = delete;
  BusyHelpers& operator=(const BusyHelpers&) = delete;

 private:
  struct Job final : HelperJob {
    explicit Job(BusyHelpers& owner) : helpers(owner) {}
    void run() noexcept override {
      helpers.begun_.release();
      helpers.may_end_.acquire();
      helpers.ended_.release();
    }
    BusyHelpers& helpers;
  };

  std::counting_semaphore<> begun_{0};
  std::counting_semaphore<> may_end_{0};
  std::counting_semaphore<> ended_{0};
};

/// A lookup: what it returns as its failure when the wait ends early.
struct Lookup {
  const char* name;
  long (*call)();
  long failure;
};

long look_up_list() {
  addrinfo hints{};
  gaicb one{};
  one.ar_name = "localhost";
  one.ar_request = &hints;
  gaicb other = one;
  gaicb* list[] = {&one, nullptr, &other};
  const int result = getaddrinfo_a(GAI_WAIT, list, 3, nullptr);
  const int error = errno;
  EXPECT_EQ(gai_error(&one), EAI_CANCELED);
  EXPECT_EQ(gai_error(&other), EAI_CANCELED);
  errno = error;
  return result;
}

const Lookup kLookups[] = {
    {"getaddrinfo",
     [] {
       addrinfo* list = nullptr;
       return long{getaddrinfo("localhost", "http", nullptr, &list)};
     },
     EAI_SYSTEM},
    {"getaddrinfo_a", look_up_list, EAI_SYSTEM},
    {"getnameinfo",
     [] {
       sockaddr_in address{};
       address.sin_family = AF_INET;
       char host[100];
       return long{getnameinfo(reinterpret_cast<sockaddr*>(&address), sizeof address, host,
                               sizeof host, nullptr, 0, 0)};
     },
     EAI_SYSTEM},
    {"gethostbyname", [] { return gethostbyname("localhost") == nullptr ? -1L : 0L; }, -1},
    {"getpwnam", [] { return getpwnam("root") == nullptr ? -1L : 0L; }, -1},
    {"getgrgid", [] { return getgrgid(0) == nullptr ? -1L : 0L; }, -1},
    {"res_query",
     [] {
       unsigned char answer[100];
       return long{res_query("localhost", 1, 1, answer, sizeof answer)};
     },
     -1},
};

void PrintTo(const Lookup& lookup, std::ostream* out) {
  *out << lookup.name;
}

class EndOfLookup : public testing::TestWithParam<Lookup> {
 protected:
  static void expect_failure(int error) {
    errno = 0;
    const long result = GetParam().call();
    const int got = errno;
    EXPECT_EQ(result, GetParam().failure);
    EXPECT_EQ(got, error) << strerrorname_np(got) << " instead of " << strerrorname_np(error);
  }
};

TEST_P(EndOfLookup, ComesWithTheTimeLimit) {
  const BusyHelpers busy;
  run_in_scheduler([] {
    const TimeLimit limit(milliseconds(5));
    expect_failure(ETIMEDOUT);
  });
}

TEST_P(EndOfLookup, ComesWithCancel) {
  const BusyHelpers busy;
  run_in_scheduler([] {
    bool ended = false;
    auto task = spawn([&] {
      expect_failure(ECANCELED);
      ended = true;
    });
    sleep_for(milliseconds(3));
    EXPECT_FALSE(ended);
    task.cancel();
    task.join();
    EXPECT_TRUE(ended);
  });
}

INSTANTIATE_TEST_SUITE_P(Every, EndOfLookup, testing::ValuesIn(kLookups),
                         name_of_case<testing::TestParamInfo<Lookup>>);

/// A request that is in progress until a test says otherwise. Not on a coroutine's stack.
class RequestInProgress {
 public:
  RequestInProgress() { request_->__return = EAI_INPROGRESS; }
  void finish() { request_->__return = 0; }
  int suspend(const timespec* timeout = nullptr) const {
    const gaicb* const list[] = {nullptr, request_.get()};
    return gai_suspend(list, 2, timeout);
  }

 private:
  const std::unique_ptr<gaicb> request_ = std::make_unique<gaicb>();
};

TEST(EndOfSuspend, ComesWithARequest) {
  run_in_scheduler([] {
    const auto request = std::make_shared<RequestInProgress>();
    auto task = spawn([request] { return request->suspend(); });
    yield();
    EXPECT_FALSE(task.done());
    request->finish();
    EXPECT_EQ(task.join(), 0);
    EXPECT_EQ(request->suspend(), EAI_ALLDONE);
  });
}

TEST(EndOfSuspend, ComesWithItsOwnTimeout) {
  run_in_scheduler([] {
    const RequestInProgress request;
    const timespec moment{0, 2'000'000};
    const timespec none{};
    EXPECT_EQ(request.suspend(&moment), EAI_AGAIN);
    EXPECT_EQ(request.suspend(&none), EAI_AGAIN);
  });
}

TEST(EndOfSuspend, ComesWithTheTimeLimit) {
  run_in_scheduler([] {
    const RequestInProgress request;
    const TimeLimit limit(milliseconds(5));
    EXPECT_EQ(request.suspend(), EAI_SYSTEM);
    EXPECT_EQ(errno, ETIMEDOUT);
    EXPECT_EQ(request.suspend(), EAI_SYSTEM) << "at once, from then on";
    EXPECT_EQ(errno, ETIMEDOUT);
  });
}

TEST(EndOfSuspend, ComesWithCancel) {
  run_in_scheduler([] {
    const auto request = std::make_shared<RequestInProgress>();
    auto task = spawn([request] {
      const int result = request->suspend();
      return result == EAI_SYSTEM ? errno : 0;
    });
    yield();
    task.cancel();
    EXPECT_EQ(task.join(), ECANCELED);
  });
}

}  // namespace
}  // namespace colibri::test
