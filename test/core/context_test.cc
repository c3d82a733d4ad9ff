#include "colibri/core/context.h"

#include <gtest/gtest.h>
#include <link.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "colibri/core/sanitizer.h"
#include "test/core/register_probe.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

/// As many as any architecture has callee-saved registers. No vector: the flows here never end, so
/// whatever they held would be lost.
using RegisterValues = std::array<std::uint64_t, 32>;

using test::probe_registers;
using test::probed_register_count;
using test::SwitchFunction;

/// A bare flow beside the test's own: no coroutine, only the switch.
class FlowPair {
 public:
  explicit FlowPair(ContextEntry entry, void* argument = nullptr) : stack_(kStackBytes) {
    sanitizer_.start(stack_.data(), stack_.size());
    pointer_ = make_context(stack_.data() + stack_.size(), entry, argument);
  }

  /// Runs the flow until it comes back.
  void enter(SwitchFunction function = &colibri_context_switch) {
    own_sanitizer_.before_switch(sanitizer_, false);
    function(&own_pointer_, pointer_);
    own_sanitizer_.after_switch();
  }
  /// The same with every callee-saved register known; false if one was lost.
  bool enter_probed(const RegisterValues& values, SwitchFunction function) {
    own_sanitizer_.before_switch(sanitizer_, false);
    const bool kept = probe_registers(values.data(), &own_pointer_, pointer_, function);
    own_sanitizer_.after_switch();
    return kept;
  }
  /// In the flow: the first thing it does.
  void arrive() { sanitizer_.after_switch(); }
  /// In the flow: back to the test.
  void leave() {
    sanitizer_.before_switch(own_sanitizer_, false);
    colibri_context_switch(&pointer_, own_pointer_);
    sanitizer_.after_switch();
  }
  bool leave_probed(const RegisterValues& values, SwitchFunction function) {
    sanitizer_.before_switch(own_sanitizer_, false);
    const bool kept = probe_registers(values.data(), &pointer_, own_pointer_, function);
    sanitizer_.after_switch();
    return kept;
  }

  StackPointer own_pointer() const { return own_pointer_; }
  StackPointer pointer() const { return pointer_; }
  const std::vector<std::byte>& stack() const { return stack_; }

 private:
  static constexpr std::size_t kStackBytes = 64 * 1024;
  std::vector<std::byte> stack_;
  StackPointer pointer_ = nullptr;
  StackPointer own_pointer_ = nullptr;
  SanitizerFlow sanitizer_;
  SanitizerFlow own_sanitizer_;
};

/// What a flow's entry gets: the flows and a place for its findings.
struct Visit {
  FlowPair* flows = nullptr;
  std::vector<int> order;
  int lost_registers = 0;
  std::uintptr_t over_aligned = 1;
  char text[64] = "";
};

TEST(Context, SwitchesThereAndBackInTurn) {
  Visit visit;
  FlowPair flows(
      [](void* argument) -> StackPointer {
        auto& self = *static_cast<Visit*>(argument);
        self.flows->arrive();
        for (int step = 1;; step += 2) {
          self.order.push_back(step);
          self.flows->leave();
        }
      },
      &visit);
  visit.flows = &flows;
  for (int step = 0; step < 6; step += 2) {
    visit.order.push_back(step);
    flows.enter(&colibri_context_switch);
  }
  EXPECT_EQ(visit.order, (std::vector{0, 1, 2, 3, 4, 5}));
}

TEST(Context, AFlowThatEndsNamesTheOneThatRunsNext) {
  // They must hear of the switch before it happens, which a plain return does not allow.
  if (kAddressSanitizer || kThreadSanitizer) GTEST_SKIP() << "sanitizers cannot follow";
  Visit visit;
  FlowPair flows(
      [](void* argument) -> StackPointer {
        auto& self = *static_cast<Visit*>(argument);
        self.order.push_back(1);
        return self.flows->own_pointer();
      },
      &visit);
  visit.flows = &flows;
  RegisterValues values;
  values.fill(0x1234567);
  EXPECT_TRUE(flows.enter_probed(values, &colibri_context_switch)) << "a register was lost";
  EXPECT_EQ(visit.order, std::vector{1});
}

TEST(Context, FirstFrameIsAlignedAsTheAbiDemands) {
  Visit visit;
  FlowPair flows(
      [](void* argument) -> StackPointer {
        auto& self = *static_cast<Visit*>(argument);
        self.flows->arrive();
        // The compiler aligns this from what the ABI promises of the stack pointer, and printf
        // saves vector registers by instructions that fault on a misaligned one.
        struct alignas(64) Wide {
          double values[8];
        } wide = {{1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5}};
        asm volatile("" : : "r"(&wide) : "memory");
        self.over_aligned = reinterpret_cast<std::uintptr_t>(&wide) % 64;
        std::snprintf(self.text, sizeof self.text, "%.2f %.3f", wide.values[0], wide.values[7]);
        self.flows->leave();
        return nullptr;
      },
      &visit);
  visit.flows = &flows;
  flows.enter();
  EXPECT_EQ(visit.over_aligned, 0U);
  EXPECT_STREQ(visit.text, "1.50 8.500");
}

TEST(Context, FirstFrameLiesBelowAnyTop) {
  alignas(16) std::array<std::byte, 4096> stack{};
  for (std::size_t offset = 0; offset < 64; ++offset) {
    std::byte* top = stack.data() + stack.size() - offset;
    const StackPointer pointer = make_context(
        top, [](void*) { return StackPointer(); }, nullptr);
    const SavedRegisters registers = saved_registers(pointer);
    EXPECT_LE(registers.stack_pointer, reinterpret_cast<std::uintptr_t>(top)) << offset;
    // Just behind its first instruction, as a return address is: unwinders look one before it.
    EXPECT_GT(registers.instruction_pointer,
              reinterpret_cast<std::uintptr_t>(&colibri_context_entry));
    EXPECT_LE(registers.instruction_pointer,
              reinterpret_cast<std::uintptr_t>(&colibri_context_entry) + 4);
  }
}

RegisterValues random_registers(std::mt19937_64& random) {
  RegisterValues values;
  for (std::uint64_t& value : values) value = random();
  return values;
}

void expect_registers_kept_by(SwitchFunction function) {
  ASSERT_LE(probed_register_count, RegisterValues().size());
  // The flow's end of the bargain: it, too, switches with all registers known.
  struct Probe {
    FlowPair* flows;
    SwitchFunction function;
    int lost = 0;
  } probe{nullptr, function};
  FlowPair flows(
      [](void* argument) -> StackPointer {
        auto& self = *static_cast<Probe*>(argument);
        self.flows->arrive();
        std::mt19937_64 random(1);
        for (;;) {
          if (!self.flows->leave_probed(random_registers(random), self.function)) ++self.lost;
        }
      },
      &probe);
  probe.flows = &flows;
  std::mt19937_64 random(2);
  int lost = 0;
  for (std::size_t i = 0; i < test::many_operations(10'000); ++i) {
    if (!flows.enter_probed(random_registers(random), function)) ++lost;
  }
  EXPECT_EQ(lost, 0);
  EXPECT_EQ(probe.lost, 0);
}

TEST(Context, CalleeSavedRegistersSurviveASwitch) {
  expect_registers_kept_by(&colibri_context_switch);
}

void switch_inlined(StackPointer* save, StackPointer target) noexcept {
  switch_context(save, target);
}

TEST(Context, CalleeSavedRegistersSurviveAnInlinedSwitch) {
  expect_registers_kept_by(&switch_inlined);
}

TEST(Context, SavedRegistersAreThoseOfTheSuspendedFlow) {
  Visit visit;
  FlowPair flows(
      [](void* argument) -> StackPointer {
        auto& self = *static_cast<Visit*>(argument);
        self.flows->arrive();
        RegisterValues values;
        for (std::size_t i = 0; i < values.size(); ++i) values[i] = 0xabc000 + i;
        for (;;) self.flows->leave_probed(values, &colibri_context_switch);
      },
      &visit);
  visit.flows = &flows;
  flows.enter();
  const SavedRegisters registers = saved_registers(flows.pointer());
  const auto low = reinterpret_cast<std::uintptr_t>(flows.stack().data());
  EXPECT_GT(registers.stack_pointer, low);
  EXPECT_LT(registers.stack_pointer, low + flows.stack().size());
  EXPECT_EQ(registers.frame_pointer & ~std::uintptr_t{0xff}, 0xabc000U);
  for (const std::uintptr_t value : registers.callee_saved) {
    EXPECT_EQ(value & ~std::uintptr_t{0xff}, 0xabc000U);
  }
}

TEST(Context, ManyFlowsKeepTheirPlaces) {
  struct Counter {
    FlowPair* flows = nullptr;
    std::size_t steps = 0;
  };
  const std::size_t count = test::scaled(1'000, 500, 200);
  std::vector<Counter> counters(count);
  std::vector<std::unique_ptr<FlowPair>> all;
  for (Counter& counter : counters) {
    all.push_back(std::make_unique<FlowPair>(
        [](void* argument) -> StackPointer {
          auto& self = *static_cast<Counter*>(argument);
          self.flows->arrive();
          for (std::size_t local = 0;; self.steps = ++local) self.flows->leave();
        },
        &counter));
    counter.flows = all.back().get();
  }
  for (int round = 0; round < 10; ++round) {
    for (auto& flows : all) flows->enter();
  }
  for (const Counter& counter : counters) EXPECT_EQ(counter.steps, 9U);
}

TEST(Context, NoObjectAsksForAnExecutableStack) {
  const auto has_executable_stack = [](dl_phdr_info* info, std::size_t, void* data) {
    for (int i = 0; i < info->dlpi_phnum; ++i) {
      const ElfW(Phdr)& header = info->dlpi_phdr[i];
      if (header.p_type != PT_GNU_STACK) continue;
      ++static_cast<int*>(data)[0];
      if ((header.p_flags & PF_X) != 0) ++static_cast<int*>(data)[1];
    }
    return 0;
  };
  int found[2] = {0, 0};
  dl_iterate_phdr(has_executable_stack, found);
  EXPECT_GT(found[0], 0);
  EXPECT_EQ(found[1], 0);
}

}  // namespace
}  // namespace colibri
