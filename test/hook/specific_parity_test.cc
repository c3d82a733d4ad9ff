// Thread-specific data gives what libc gives: values, and destructors at the end of a flow.
#include <gtest/gtest.h>
#include <limits.h>
#include <pthread.h>
#include <threads.h>

#include <vector>

#include "test/hook/pthread_functions.h"

namespace colibri::test {
namespace {

using Destructor = void (*)(void*);

/// The functions by one name or the other, as the session wants them.
struct Keys {
  decltype(&pthread_key_create) create;
  decltype(&pthread_key_delete) erase;
  decltype(&pthread_getspecific) get;
  decltype(&pthread_setspecific) set;
};

const Keys& keys_of(const Session& session) {
  static const Keys hooks{&pthread_key_create, &pthread_key_delete, &pthread_getspecific,
                          &pthread_setspecific};
  static const Keys libc{session.either("pthread_key_create", &pthread_key_create),
                         session.either("pthread_key_delete", &pthread_key_delete),
                         session.either("pthread_getspecific", &pthread_getspecific),
                         session.either("pthread_setspecific", &pthread_setspecific)};
  return &session.libc == &real_libc() ? libc : hooks;
}

/// What the destructors of the case that runs have to say. They run in its flows, one at a time.
struct Mourning {
  const Keys* keys = nullptr;
  std::vector<pthread_key_t> made;
  std::string log;
  int sets_again = 0;          // how often a destructor sets its value anew
  std::size_t sets_other = 0;  // if above 0, the key whose value the first destructor sets
};
Mourning mourning;

/// A value that is its own name.
void* value_of(char name) {
  return reinterpret_cast<void*>(static_cast<std::uintptr_t>(name));
}
char name_of(const void* value) {
  return value == nullptr ? '-' : static_cast<char>(reinterpret_cast<std::uintptr_t>(value));
}

template <std::size_t index>
void mourn(void* value) {
  mourning.log += name_of(value);
  const Keys& keys = *mourning.keys;
  if (keys.get(mourning.made[index]) != nullptr) mourning.log += "(still set)";
  if (mourning.sets_again > 0) {
    --mourning.sets_again;
    keys.set(mourning.made[index], value);
  }
  if (mourning.sets_other != 0) {
    keys.set(mourning.made[mourning.sets_other - 1], value_of('o'));
    mourning.sets_other = 0;
  }
}

constexpr Destructor kMourners[] = {&mourn<0>, &mourn<1>, &mourn<2>};

/// Three keys with destructors, deleted at the end of the case.
class KeysUnderTest {
 public:
  explicit KeysUnderTest(Session& session) : session_(session), keys_(keys_of(session)) {
    mourning = Mourning{};
    mourning.keys = &keys_;
    for (const Destructor each : kMourners) {
      mourning.made.emplace_back();
      note_error(session, [&] { return keys_.create(&mourning.made.back(), each); });
    }
  }
  ~KeysUnderTest() {
    for (const pthread_key_t each : mourning.made) keys_.erase(each);
  }
  KeysUnderTest(const KeysUnderTest&) = delete;
  KeysUnderTest& operator=(const KeysUnderTest&) = delete;

  void set(std::size_t index, char name) const {
    EXPECT_EQ(keys_.set(mourning.made[index], value_of(name)), 0);
  }
  char get(std::size_t index) const { return name_of(keys_.get(mourning.made[index])); }
  void note_value(std::size_t index) const { session_.note(std::string(1, get(index))); }
  /// Runs `body` in a flow of its own, and notes what its destructors said.
  template <class Body>
  void in_a_flow(Body body) const {
    elsewhere(session_, body);
    session_.note(mourning.log.empty() ? "nothing" : mourning.log);
    mourning.log.clear();
  }

 private:
  Session& session_;
  const Keys& keys_;
};

const ParityCase kValues[] = {
    {"BeginAsNull", "0, 0, 0, -, -",
     [](Session& session) {
       const KeysUnderTest keys(session);
       keys.note_value(0);
       keys.note_value(2);
     }},
    {"AreKept", "0, 0, 0, a, b, -",
     [](Session& session) {
       const KeysUnderTest keys(session);
       keys.set(1, 'b');
       keys.set(0, 'a');
       keys.note_value(0);
       keys.note_value(1);
       keys.note_value(2);
       for (std::size_t i = 0; i < 3; ++i) keys.set(i, '\0');
     }},
    {"OfAnotherFlowAreItsOwn", "0, 0, 0, b, a",
     [](Session& session) {
       const KeysUnderTest keys(session);
       keys.set(0, 'a');
       keys.in_a_flow([&keys] {
         EXPECT_EQ(keys.get(0), '-');
         keys.set(0, 'b');
       });
       keys.note_value(0);
       keys.set(0, '\0');
     }},
    {"OfADeletedKeyAreGone", "0, 0, 0, nothing",
     [](Session& session) {
       const KeysUnderTest keys(session);
       keys.in_a_flow([&keys] {
         keys.set(0, 'a');
         EXPECT_EQ(mourning.keys->erase(mourning.made[0]), 0);
         // Its number comes round at once: libc gives out the lowest.
         EXPECT_EQ(mourning.keys->create(&mourning.made[0], kMourners[0]), 0);
         EXPECT_EQ(keys.get(0), '-');
       });
     }},
    {"CannotBeSetForWhatIsNoKey", "0, 0, 0, EINVAL, EINVAL, EINVAL, EINVAL",
     [](Session& session) {
       const KeysUnderTest keys(session);
       pthread_key_t deleted;
       const Keys& calls = *mourning.keys;
       EXPECT_EQ(calls.create(&deleted, nullptr), 0);
       EXPECT_EQ(calls.erase(deleted), 0);
       note_error(session, [&] { return calls.set(deleted, value_of('a')); });
       note_error(session, [&] { return calls.erase(deleted); });
       note_error(session, [&] { return calls.set(PTHREAD_KEYS_MAX, value_of('a')); });
       note_error(session, [&] { return calls.erase(PTHREAD_KEYS_MAX); });
     }},
};

const ParityCase kDestructors[] = {
    {"RunInTheOrderOfTheKeys", "0, 0, 0, abc",
     [](Session& session) {
       const KeysUnderTest keys(session);
       keys.in_a_flow([&keys] {
         keys.set(2, 'c');
         keys.set(0, 'a');
         keys.set(1, 'b');
       });
     }},
    {"DoNotRunForNull", "0, 0, 0, b",
     [](Session& session) {
       const KeysUnderTest keys(session);
       keys.in_a_flow([&keys] {
         keys.set(0, 'a');
         keys.set(0, '\0');
         keys.set(1, 'b');
       });
     }},
    {"RunAgainForWhatTheySet", "0, 0, 0, aaa",
     [](Session& session) {
       const KeysUnderTest keys(session);
       mourning.sets_again = 2;
       keys.in_a_flow([&keys] { keys.set(0, 'a'); });
     }},
    {"RunFourTimesAtMost", "0, 0, 0, aaaa",
     [](Session& session) {
       const KeysUnderTest keys(session);
       mourning.sets_again = 1000;
       keys.in_a_flow([&keys] { keys.set(0, 'a'); });
     }},
    {"RunInTheSameRoundForALaterKey", "0, 0, 0, aboab",
     [](Session& session) {
       const KeysUnderTest keys(session);
       mourning.sets_other = 3;
       mourning.sets_again = 2;
       keys.in_a_flow([&keys] {
         keys.set(0, 'a');
         keys.set(1, 'b');
       });
     }},
    {"RunInTheNextRoundForAnEarlierKey", "0, 0, 0, bo",
     [](Session& session) {
       const KeysUnderTest keys(session);
       mourning.sets_other = 1;
       keys.in_a_flow([&keys] { keys.set(1, 'b'); });
     }},
    {"DoNotRunForADeletedKey", "0, 0, 0, b",
     [](Session& session) {
       const KeysUnderTest keys(session);
       keys.in_a_flow([&keys] {
         keys.set(0, 'a');
         keys.set(1, 'b');
         EXPECT_EQ(mourning.keys->erase(mourning.made[0]), 0);
       });
     }},
    {"DoNotRunAtDeletion", "0, 0, 0, 0, nothing",
     [](Session& session) {
       const KeysUnderTest keys(session);
       keys.set(0, 'a');
       note_error(session, [] { return mourning.keys->erase(mourning.made[0]); });
       session.note(mourning.log.empty() ? "nothing" : mourning.log);
     }},
};

const ParityCase kMany[] = {
    // The process has a few keys of its own.
    {"KeysUntilThereAreNoMore", "EAGAIN, enough, all found, 800",
     [](Session& session) {
       const Keys& keys = keys_of(session);
       std::vector<pthread_key_t> made;
       int error = 0;
       static std::atomic<int> destroyed;
       destroyed = 0;
       for (;;) {
         pthread_key_t key;
         error = keys.create(&key, [](void*) { ++destroyed; });
         if (error != 0) break;
         made.push_back(key);
       }
       session.note(strerrorname_np(error));
       session.note_if(made.size() >= 800 && made.size() <= PTHREAD_KEYS_MAX, "enough");
       elsewhere(session, [&session, &keys, made] {
         bool found = true;
         for (std::size_t i = 800; i-- > 0;) EXPECT_EQ(keys.set(made[i], &keys + i), 0);
         for (std::size_t i = 0; i < 800; ++i) found &= keys.get(made[i]) == &keys + i;
         session.note_if(found, "all found");
       });
       session.note(std::to_string(destroyed.load()));
       for (const pthread_key_t key : made) keys.erase(key);
     }},
    {"GenerationsOfOneNumber", "right",
     [](Session& session) {
       const Keys& keys = keys_of(session);
       bool right = true;
       for (int i = 0; i < 100; ++i) {
         pthread_key_t key;
         EXPECT_EQ(keys.create(&key, nullptr), 0);
         right &= keys.get(key) == nullptr && keys.set(key, &right) == 0 && keys.get(key) == &right;
         EXPECT_EQ(keys.erase(key), 0);
       }
       session.note_if(right, "right");
     }},
};

const ParityCase kC11[] = {
    {"NamesOfC11", "0, 0, x, -, x, 2",
     [](Session& session) {
       const auto create = session.either("tss_create", &tss_create);
       const auto erase = session.either("tss_delete", &tss_delete);
       const auto get = session.either("tss_get", &tss_get);
       const auto set = session.either("tss_set", &tss_set);
       static char destroyed;
       destroyed = '-';
       tss_t key;
       session.call(create, &key, [](void* value) { destroyed = name_of(value); });
       elsewhere(session, [&session, set, get, key] {
         session.note(std::to_string(set(key, value_of('x'))));
         session.note(std::string(1, name_of(get(key))));
       });
       session.note(std::string(1, name_of(get(key))));
       session.note(std::string(1, destroyed));
       erase(key);
       session.note(std::to_string(set(key, value_of('x'))));
     }},
};

class SpecificParity : public testing::TestWithParam<ParityCase> {};

TEST_P(SpecificParity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Values, SpecificParity, testing::ValuesIn(kValues),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Destructors, SpecificParity, testing::ValuesIn(kDestructors),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Many, SpecificParity, testing::ValuesIn(kMany),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(C11, SpecificParity, testing::ValuesIn(kC11),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

}  // namespace
}  // namespace colibri::test
