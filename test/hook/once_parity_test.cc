// pthread_once and call_once give what libc gives.
#include <gtest/gtest.h>
#include <pthread.h>
#include <threads.h>

#include <memory>
#include <stdexcept>

#include "test/hook/pthread_functions.h"

namespace colibri::test {
namespace {

// The routine has no arguments. One case runs at a time.
Session* running = nullptr;
void (*second)() = nullptr;

void note_that_it_runs() {
  running->note("runs");
}

void fail() {
  running->note("fails");
  throw std::runtime_error("the routine fails");
}

void call_second() {
  running->note("first");
  second();
}

/// A control in the heap, whose calls note what comes of them.
class Once {
 public:
  explicit Once(Session& session) : session_(session) { running = &session; }

  void run(void (*routine)()) {
    const auto once = session_.either("pthread_once", pthread_once);
    note_error(session_, [&] { return once(once_.get(), routine); });
  }
  void run_and_catch(void (*routine)()) {
    try {
      run(routine);
    } catch (const std::runtime_error& error) {
      session_.note("threw");
    }
  }

 private:
  Session& session_;
  std::unique_ptr<pthread_once_t> once_ = std::make_unique<pthread_once_t>(PTHREAD_ONCE_INIT);
};

const ParityCase kCases[] = {
    {"RunsOnce", "runs, 0, 0, 0",
     [](Session& session) {
       Once once(session);
       once.run(note_that_it_runs);
       once.run(note_that_it_runs);
       elsewhere(session, [&] { once.run(note_that_it_runs); });
     }},
    {"RunsAgainIfItHasThrown", "fails, threw, fails, threw, runs, 0, 0",
     [](Session& session) {
       Once once(session);
       once.run_and_catch(fail);
       elsewhere(session, [&] { once.run_and_catch(fail); });
       once.run(note_that_it_runs);
       once.run(fail);
     }},
    {"OneWithinAnother", "first, runs, 0, 0",
     [](Session& session) {
       static Once* inner = nullptr;
       Once once(session);
       const auto within = std::make_unique<Once>(session);
       inner = within.get();
       second = [] { inner->run(note_that_it_runs); };
       once.run(call_second);
     }},
    {"OfC11", "runs",
     [](Session& session) {
       running = &session;
       const auto once = session.either("call_once", call_once);
       const auto flag = std::make_unique<once_flag>();
       once(flag.get(), note_that_it_runs);
       elsewhere(session, [&] { once(flag.get(), note_that_it_runs); });
     }},
};

class OnceParity : public testing::TestWithParam<ParityCase> {};

TEST_P(OnceParity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(All, OnceParity, testing::ValuesIn(kCases),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

}  // namespace
}  // namespace colibri::test
