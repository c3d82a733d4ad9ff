// pthread_barrier_* give what libc gives, private barriers and shared ones.
#include <gtest/gtest.h>
#include <limits.h>
#include <pthread.h>

#include <atomic>
#include <memory>
#include <vector>

#include "test/hook/pthread_functions.h"

namespace colibri::test {
namespace {

/// A barrier in the heap, for flows of the session's kind.
struct Barrier {
  Barrier(Session& session, int shared, unsigned count)
      : wait(session.either("pthread_barrier_wait", pthread_barrier_wait)),
        destroy(session.either("pthread_barrier_destroy", pthread_barrier_destroy)) {
    pthread_barrierattr_t attributes;
    pthread_barrierattr_init(&attributes);
    pthread_barrierattr_setpshared(&attributes, shared);
    const auto init = session.either("pthread_barrier_init", pthread_barrier_init);
    note_error(session, [&] { return init(&barrier, &attributes, count); });
  }

  /// Comes to it, and counts what that gives.
  void pass() {
    const int result = wait(&barrier);
    ++(result == PTHREAD_BARRIER_SERIAL_THREAD ? serial : result == 0 ? others : wrong);
  }

  void note(Session& session) const {
    session.note(std::to_string(serial) + " serial and " + std::to_string(others));
    if (wrong != 0) session.append("but " + std::to_string(wrong) + " wrong");
  }

  pthread_barrier_t barrier;
  decltype(&pthread_barrier_wait) wait;
  decltype(&pthread_barrier_destroy) destroy;
  std::atomic<int> serial{0};
  std::atomic<int> others{0};
  std::atomic<int> wrong{0};
};

std::vector<ParityCase> cases() {
  std::vector<ParityCase> all;
  for (const auto& [name, sharing] : {std::pair("Private", PTHREAD_PROCESS_PRIVATE),
                                      std::pair("Shared", PTHREAD_PROCESS_SHARED)}) {
    const auto add = [&, name = name, sharing = sharing](const std::string& what,
                                                         const char* expected, auto act) {
      all.push_back({what + name, expected, [=](Session& session) { act(session, sharing); }});
    };
    add("OfOne", "0, 3 serial and 0, 0", [](Session& session, int shared) {
      const auto barrier = std::make_shared<Barrier>(session, shared, 1);
      for (int i = 0; i < 3; ++i) barrier->pass();
      barrier->note(session);
      note_error(session, [&] { return barrier->destroy(&barrier->barrier); });
    });
    add("OfThreeInRounds", "0, 4 serial and 8, 0", [](Session& session, int shared) {
      const auto barrier = std::make_shared<Barrier>(session, shared, 3);
      for (int i = 0; i < 2; ++i) {
        session.meanwhile([barrier] {
          for (int round = 0; round < 4; ++round) barrier->pass();
        });
      }
      for (int round = 0; round < 4; ++round) barrier->pass();
      session.finish_helpers();
      barrier->note(session);
      note_error(session, [&] { return barrier->destroy(&barrier->barrier); });
    });
    add("BadCounts", "EINVAL, EINVAL, EINVAL", [](Session& session, int shared) {
      for (const unsigned count : {0U, unsigned{INT_MAX}, UINT_MAX}) {
        std::make_shared<Barrier>(session, shared, count);
      }
    });
  }
  return all;
}

class BarrierParity : public testing::TestWithParam<ParityCase> {};

TEST_P(BarrierParity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(All, BarrierParity, testing::ValuesIn(cases()),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

}  // namespace
}  // namespace colibri::test
