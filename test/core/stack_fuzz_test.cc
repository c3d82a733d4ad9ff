// Random sequences of spawn, park, wake, cancel, join, yield, resume and end, on private and shared
// stacks mixed: every byte of every stack stays as it was, and everything ends as a simple model
// says it must.
//
// The order of events is a function of the seed. COLIBRI_FUZZ_SEED=N runs that seed alone,
// COLIBRI_FUZZ_SEEDS=N the first N seeds.
#include <alloca.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>
#include <vector>

#include "colibri/core/coroutine.h"
#include "colibri/core/event.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using test::run_in_scheduler;

/// What an actor throws on purpose.
struct Refusal : std::runtime_error {
  explicit Refusal(unsigned actor) : std::runtime_error("on purpose"), id(actor) {}
  unsigned id;
};

enum class Outcome { kNone, kValue, kRefusal, kCanceled };

/// A coroutine and what the model knows of it.
struct Actor {
  explicit Actor(unsigned number) : id(number) {}

  const unsigned id;
  Task<unsigned> task;
  Event event;  // of the present park
  bool parked = false;
  bool woken = false;
  bool canceled = false;
  bool taken = false;  // somebody joins it, or has joined it
  Outcome outcome = Outcome::kNone;
};

/// Bytes of a frame that only their seed gives; checks them when the frame goes, also by unwinding.
class Pattern {
 public:
  Pattern(unsigned char* bytes, std::size_t size, unsigned seed)
      : bytes_(bytes), size_(size), seed_(seed) {
    for (std::size_t i = 0; i < size_; ++i) bytes_[i] = expected(i);
  }
  ~Pattern() { check(); }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  void check() const {
    std::size_t spoilt = 0;
    for (std::size_t i = 0; i < size_; ++i) spoilt += bytes_[i] != expected(i);
    EXPECT_EQ(spoilt, 0U) << "of " << size_ << " bytes on a stack";
  }

 private:
  unsigned char expected(std::size_t i) const noexcept {
    return static_cast<unsigned char>(seed_ * 31 + i * 7 + (i >> 8));
  }

  volatile unsigned char* bytes_;
  std::size_t size_;
  unsigned seed_;
};

/// All of one seed. Lies in the heap or on main's stack; one thread's.
class World {
 public:
  World(unsigned seed, std::size_t steps) : random_(seed), steps_left_(steps) {}

  /// Runs it all, as main.
  void play() {
    while (steps_left_ > 0) {
      --steps_left_;
      act_from_outside();
    }
    for (std::size_t i = 0; i < actors_.size(); ++i) {
      while (actors_[i]->outcome == Outcome::kNone) {
        wake_all();
        yield();
      }
      if (!actors_[i]->taken) join(*actors_[i], nullptr);
    }
    EXPECT_EQ(ended_, actors_.size());
    EXPECT_EQ(nested_begun_, nested_gone_);
  }

  std::size_t spawned() const noexcept { return actors_.size(); }

 private:
  static constexpr std::size_t kMostAlive = 60;
  static constexpr int kDeepest = 3;

  unsigned draw(std::size_t below) { return static_cast<unsigned>(random_() % below); }

  /// Sets where a coroutine is to run. How many bytes its patterns may take.
  std::size_t choose_stack(SpawnOptions& options) {
    switch (draw(6)) {
      case 0:
        options.stack_bytes = 64 * 1024;
        return 4'000;
      case 1:
        options.stack_bytes = 256 * 1024;
        return 20'000;
      case 2:
        options.shared_stacks = &one_;
        return 4'000;
      case 3:
        options.shared_stacks = &two_;
        return 10'000;
      case 4:
        options.shared_stacks = &three_;
        return 20'000;
      default:
        return 4'000;  // the scheduler's default
    }
  }

  void act_from_outside() {
    switch (draw(8)) {
      case 0:
      case 1:
        spawn_actor();
        break;
      case 2:
        wake_one();
        break;
      case 3:
        if (draw(8) == 0) cancel_one();
        break;
      default:
        yield();
    }
  }

  Actor* spawn_actor() {
    if (actors_.size() - ended_ >= kMostAlive) return nullptr;
    actors_.push_back(std::make_unique<Actor>(static_cast<unsigned>(actors_.size())));
    Actor* actor = actors_.back().get();
    SpawnOptions options;
    const std::size_t room = choose_stack(options);
    options.at_once = draw(4) == 0;
    const std::size_t alive = actors_.size() - ended_;
    most_alive_ = std::max(most_alive_, alive);
    actor->task = spawn(options, [this, actor, room] { return live(*actor, room); });
    return actor;
  }

  /// An actor's whole life. What it returns is for who joins it.
  unsigned live(Actor& self, std::size_t room) {
    Outcome outcome = Outcome::kValue;
    const unsigned turns = draw(12);
    try {
      for (unsigned turn = 0; turn < turns; ++turn) in_frames(self, room, 1 + draw(3));
      if (draw(8) == 0) throw Refusal(self.id);
    } catch (const Refusal& refusal) {
      EXPECT_EQ(refusal.id, self.id) << "the exception of another coroutine";
      end(self, Outcome::kRefusal);
      throw;
    } catch (const Canceled&) {
      EXPECT_TRUE(self.canceled);
      if (draw(2) == 0) {
        end(self, Outcome::kCanceled);
        throw;
      }
    }
    end(self, outcome);
    return self.id * 3 + 1;
  }

  void end(Actor& self, Outcome outcome) {
    EXPECT_EQ(self.outcome, Outcome::kNone) << "actor " << self.id << " ended twice";
    self.outcome = outcome;
    ++ended_;
  }

  /// Acts within some frames of random sizes, that are checked after it and as they go.
  [[gnu::noinline]] void in_frames(Actor& self, std::size_t room, unsigned frames) {
    const std::size_t size = 1 + draw(draw(4) == 0 ? room / 4 : 200);
    const Pattern pattern(static_cast<unsigned char*>(alloca(size)), size, draw(1'000'000));
    if (frames > 1) {
      in_frames(self, room, frames - 1);
    } else {
      act(self);
    }
    pattern.check();
  }

  void act(Actor& self) {
    switch (draw(9)) {
      case 0:
        if (Actor* child = spawn_actor(); child != nullptr && draw(2) == 0) join(*child, &self);
        break;
      case 1:
        park(self);
        break;
      case 2:
      case 3:
        wake_one();
        break;
      case 4:
        if (draw(6) == 0) cancel_one();
        break;
      case 5:
        resume_some(self, 1);
        break;
      case 6:
        throw_and_yield(self);
        break;
      default:
        give_way(self);
    }
  }

  void give_way(Actor& self) {
    const bool canceled = self.canceled;
    yield();
    EXPECT_FALSE(canceled) << "yield returned in a cancelled coroutine";
  }

  void park(Actor& self) {
    self.event.reset();
    self.woken = false;
    self.parked = true;
    try {
      self.event.wait();
      EXPECT_TRUE(self.woken) << "nobody had woken actor " << self.id;
    } catch (const Canceled&) {
      self.parked = false;
      EXPECT_TRUE(self.canceled);
      throw;
    }
  }

  /// Another coroutine runs while an exception of this one is being handled.
  void throw_and_yield(Actor& self) {
    const unsigned mark = draw(1'000'000);
    try {
      throw mark;
    } catch (unsigned caught) {
      give_way(self);
      EXPECT_EQ(caught, mark);
    }
    EXPECT_EQ(std::uncaught_exceptions(), 0);
  }

  void wake(Actor& actor) {
    if (!actor.parked) return;
    actor.parked = false;
    actor.woken = true;
    actor.event.set();
  }
  void wake_one() {
    if (!actors_.empty()) wake(*actors_[draw(actors_.size())]);
  }
  void wake_all() {
    for (const auto& actor : actors_) wake(*actor);
  }

  void cancel_one() {
    if (actors_.empty()) return;
    Actor& actor = *actors_[draw(actors_.size())];
    // Who was spawned at once may run before its spawner has the task.
    if (actor.outcome != Outcome::kNone || !actor.task.joinable()) return;
    actor.canceled = true;
    actor.task.cancel();
  }

  /// `joiner` is null for main.
  void join(Actor& actor, const Actor* joiner) {
    if (actor.taken) return;
    actor.taken = true;
    Outcome outcome = Outcome::kNone;
    try {
      EXPECT_EQ(actor.task.join(), actor.id * 3 + 1);
      outcome = Outcome::kValue;
    } catch (const Refusal& refusal) {
      EXPECT_EQ(refusal.id, actor.id);
      outcome = Outcome::kRefusal;
    } catch (const Canceled&) {
      if (actor.task.joinable()) {  // it is the joiner that was cancelled
        EXPECT_TRUE(joiner != nullptr && joiner->canceled);
        actor.taken = false;
        throw;
      }
      outcome = Outcome::kCanceled;
    }
    EXPECT_NE(outcome, Outcome::kNone);
    EXPECT_EQ(outcome, actor.outcome) << "of actor " << actor.id;
  }

  struct Nested {
    std::size_t turns = 0;
    std::unique_ptr<Coroutine> coroutine;
  };

  /// Counts the coroutines resumed by hand that have begun and that are gone.
  class NestedCount {
   public:
    explicit NestedCount(World& world) : world_(world) { ++world_.nested_begun_; }
    ~NestedCount() { ++world_.nested_gone_; }
    NestedCount(const NestedCount&) = delete;
    NestedCount& operator=(const NestedCount&) = delete;

   private:
    World& world_;
  };

  /// Resumes a coroutine of its own a few times; it ends by itself, or is destroyed where it
  /// stands.
  void resume_some(Actor& self, int depth) {
    const auto nested = std::make_unique<Nested>();
    SpawnOptions options;
    const std::size_t room = choose_stack(options);
    const std::size_t yields = draw(5);
    nested->coroutine = std::make_unique<Coroutine>(
        [this, &self, room, yields, depth, state = nested.get()] {
          const NestedCount count(*this);
          for (std::size_t i = 0; i < yields; ++i) nested_turn(self, room, *state, depth);
        },
        options);
    const std::size_t resumes = draw(7);
    for (std::size_t i = 0; i < resumes && !nested->coroutine->done(); ++i) {
      nested->coroutine->resume();
      EXPECT_EQ(nested->turns, std::min(i + 1, yields));
      EXPECT_EQ(nested->coroutine->done(), i >= yields);
    }
  }

  [[gnu::noinline]] void nested_turn(Actor& self, std::size_t room, Nested& state, int depth) {
    const std::size_t size = 1 + draw(draw(4) == 0 ? room / 4 : 200);
    const Pattern pattern(static_cast<unsigned char*>(alloca(size)), size, draw(1'000'000));
    const unsigned what = draw(6);
    if (what == 0) give_way(self);  // parks who resumed it, too
    if (what == 1) park(self);
    if (what == 2 && depth < kDeepest) resume_some(self, depth + 1);
    pattern.check();
    ++state.turns;
    Coroutine::yield();
  }

  std::minstd_rand random_;
  std::size_t steps_left_;
  std::vector<std::unique_ptr<Actor>> actors_;
  std::size_t ended_ = 0;
  std::size_t most_alive_ = 0;
  std::size_t nested_begun_ = 0;
  std::size_t nested_gone_ = 0;
  const SharedStackGroup one_{1, 64 * 1024};
  const SharedStackGroup two_{2, 128 * 1024};
  const SharedStackGroup three_{3, 256 * 1024};
};

std::vector<unsigned> seeds() {
  if (const char* seed = std::getenv("COLIBRI_FUZZ_SEED")) {
    return {static_cast<unsigned>(std::strtoul(seed, nullptr, 10))};
  }
  const char* count = std::getenv("COLIBRI_FUZZ_SEEDS");
  std::vector<unsigned> all(count != nullptr ? std::strtoul(count, nullptr, 10)
                                             : test::scaled(20, 6, 6));
  std::iota(all.begin(), all.end(), 1);
  return all;
}

class StackFuzz : public testing::TestWithParam<unsigned> {};

TEST_P(StackFuzz, EverythingEndsAsTheModelSays) {
  const unsigned seed = GetParam();
  SCOPED_TRACE("COLIBRI_FUZZ_SEED=" + std::to_string(seed));
  RunOptions options;
  if (seed % 2 == 0) options.stacks = StackChoice{.shared_count = 1, .bytes = 128 * 1024};
  run_in_scheduler(
      [seed] {
        const auto world = std::make_unique<World>(seed, test::many_operations(5'000));
        world->play();
        EXPECT_GT(world->spawned(), 10U);
        EXPECT_GT(shared_stack_copies().size(), 0U);
      },
      options);
}

INSTANTIATE_TEST_SUITE_P(Seeds, StackFuzz, testing::ValuesIn(seeds()));

}  // namespace
}  // namespace colibri
