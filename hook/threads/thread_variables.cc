#include "colibri/hook/threads/thread_variables.h"

#include <link.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include "colibri/core/check.h"
#include "colibri/core/context.h"
#include "colibri/core/scheduler_watch.h"
#include "colibri/core/stack_of.h"
#include "colibri/hook/thread_data.h"

/// As the ABI of both architectures has it: which object, and where in its block.
struct ThreadVariablePlace {
  std::size_t module;
  std::size_t offset;
};
/// The loader's. Makes the calling thread's block if need be.
extern "C" void* __tls_get_addr(ThreadVariablePlace* place);

namespace colibri {

/// The variables of one object.
struct ObjectVariables {
  std::size_t module;  // the loader's number for it
  ThreadDataImage image;
  char* place = nullptr;  // where they lie while their thread runs
};

/// The variables of one object, in one thread: a header, and room for their bytes.
struct VariableCopy {
  VariableCopy* next;  // of the same thread
  const ObjectVariables* of;
  char* bytes() noexcept { return reinterpret_cast<char*>(this + 1); }
};

namespace thread_variables {
namespace {

/// How many objects the loader has added and removed.
struct LoaderCounts {
  decltype(dl_phdr_info::dlpi_adds) added = 0;
  decltype(dl_phdr_info::dlpi_subs) removed = 0;
  bool operator==(const LoaderCounts&) const = default;
};

/// Belongs to the scheduler's thread.
struct State {
  bool on = false;
  EmulatedThread* in_place = nullptr;  // whose bytes lie in place; null: nobody's
  std::vector<ObjectVariables*> objects;
  std::size_t generation = 0;
  LoaderCounts counts;
};
/// In memory that is never destroyed: threads run while the process ends.
State& state() noexcept {
  alignas(State) static constinit std::byte memory[sizeof(State)];
  static State* const made = ::new (memory) State;
  return *made;
}

LoaderCounts loader_counts() noexcept {
  LoaderCounts counts;
  const auto read = [](dl_phdr_info* object, std::size_t, void* given) {
    *static_cast<LoaderCounts*>(given) = {object->dlpi_adds, object->dlpi_subs};
    return 1;  // all objects say the same
  };
  dl_iterate_phdr(read, &counts);
  return counts;
}

// Objects ----------------------------------------------------------------------------------------

/// Those that are loaded now. Throws std::bad_alloc.
std::vector<ObjectVariables> find_objects() {
  std::vector<ObjectVariables> found;
  found.reserve(64);
  const auto note = [](dl_phdr_info* object, std::size_t, void* given) {
    if (!thread_data_is_of_coroutines(*object)) return 0;
    static_cast<std::vector<ObjectVariables>*>(given)->push_back(
        {object->dlpi_tls_modid, thread_data_image(*object)});
    return 0;
  };
  dl_iterate_phdr(note, &found);
  // Has the loader make what it has put off so far: later it would do so unseen. Not under its
  // lock.
  for (ObjectVariables& each : found) {
    ThreadVariablePlace begin{each.module, 0};
    each.place = static_cast<char*>(__tls_get_addr(&begin));
  }
  return found;
}

bool is_same(const ObjectVariables& left, const ObjectVariables& right) noexcept {
  return left.module == right.module && left.place == right.place &&
         left.image.bytes == right.image.bytes && left.image.size == right.image.size;
}

/// `thread` has those of one object more, as they begin. False when there is no memory.
bool add_copy(EmulatedThread& thread, const ObjectVariables& object) noexcept {
  void* memory = std::malloc(sizeof(VariableCopy) + object.image.size);
  if (memory == nullptr) return false;
  auto* copy = ::new (memory) VariableCopy{thread.variables, &object};
  std::memcpy(copy->bytes(), object.image.bytes, object.image.given);
  std::memset(copy->bytes() + object.image.given, 0, object.image.size - object.image.given);
  thread.variables = copy;
  return true;
}

void remove_copy(EmulatedThread& thread, const ObjectVariables& object) noexcept {
  VariableCopy** link = &thread.variables;
  while (*link != nullptr && (*link)->of != &object) link = &(*link)->next;
  if (*link == nullptr) return;
  VariableCopy* const removed = *link;
  *link = removed->next;
  std::free(removed);
}

void forget_removed(const std::vector<ObjectVariables>& found) noexcept {
  std::erase_if(state().objects, [&](ObjectVariables* known) {
    const auto is_it = [&](const ObjectVariables& each) { return is_same(each, *known); };
    if (std::any_of(found.begin(), found.end(), is_it)) return false;
    emulated_threads::for_each([&](EmulatedThread& thread) { remove_copy(thread, *known); });
    delete known;
    return true;
  });
}

/// Throws std::bad_alloc.
void add_new(const std::vector<ObjectVariables>& found) {
  for (const ObjectVariables& each : found) {
    std::vector<ObjectVariables*>& objects = state().objects;
    const auto is_it = [&](const ObjectVariables* known) { return is_same(each, *known); };
    if (std::any_of(objects.begin(), objects.end(), is_it)) continue;
    objects.reserve(objects.size() + 1);
    objects.push_back(new ObjectVariables(each));
    emulated_threads::for_each([&](EmulatedThread& thread) {
      if (!add_copy(thread, *objects.back())) throw std::bad_alloc();
    });
  }
}

/// What has come belongs, as it is by now, to whom all else in place belongs; for others it begins.
void find_changes() noexcept {
  const int saved_errno = errno;
  try {
    const std::vector<ObjectVariables> found = find_objects();
    forget_removed(found);
    add_new(found);
  } catch (const std::bad_alloc&) {
    fail("threads as coroutines: no memory for their thread-local variables");
  }
  state().counts = loader_counts();
  state().generation = thread_data_generation();
  errno = saved_errno;
}

// The exchange -----------------------------------------------------------------------------------

void put_aside(const EmulatedThread& thread) noexcept {
  for (VariableCopy* each = thread.variables; each != nullptr; each = each->next) {
    std::memcpy(each->bytes(), each->of->place, each->of->image.size);
  }
}

void put_in_place(const EmulatedThread& thread) noexcept {
  for (VariableCopy* each = thread.variables; each != nullptr; each = each->next) {
    std::memcpy(each->of->place, each->bytes(), each->of->image.size);
  }
}

/// `coroutine` runs next.
void exchange_for(const ControlBlock* coroutine) noexcept {
  State& now = state();
  // Whoever has run last may have used what has come; he alone.
  if (now.generation != thread_data_generation()) [[unlikely]]
    find_changes();
  if (coroutine == nullptr || coroutine->extras == nullptr) return;
  EmulatedThread* const next = coroutine->extras->thread;
  if (next == nullptr || next == now.in_place) return;
  if (now.in_place != nullptr) put_aside(*now.in_place);
  put_in_place(*next);
  now.in_place = next;
}

class Exchange final : public SchedulerWatch {
 public:
  void leaves(const ControlBlock& /*coroutine*/) noexcept override {
    exchange_for(thread_state.current);
  }
  void leaves_ended() noexcept override { exchange_for(thread_state.current); }
  void leaves_loop() noexcept override { exchange_for(thread_state.current); }
};
constinit Exchange exchange;

bool lies_in_place(const void* address, std::size_t size) noexcept {
  const auto* begin = static_cast<const char*>(address);
  return std::any_of(state().objects.begin(), state().objects.end(),
                     [=](const ObjectVariables* each) {
                       return begin < each->place + each->image.size && begin + size > each->place;
                     });
}

}  // namespace

void begin() noexcept {
  give_thread_data_to_coroutines();
  state().on = true;
  state().in_place = EmulatedThread::current();
  find_changes();
  thread_state.add_watch(exchange);
  lies_in_exchanged_memory.store(&lies_in_place);
}

bool are_own() noexcept {
  return state().on;
}

bool give(EmulatedThread& thread) noexcept {
  // An object that is gone has no image to copy.
  if (state().on && state().counts != loader_counts()) {
    find_changes();
    take_away(thread);  // it has been given those of objects that are new
  }
  for (const ObjectVariables* each : state().objects) {
    if (add_copy(thread, *each)) continue;
    take_away(thread);
    return false;
  }
  return true;
}

void take_away(EmulatedThread& thread) noexcept {
  if (state().in_place == &thread) state().in_place = nullptr;
  while (thread.variables != nullptr) {
    std::free(std::exchange(thread.variables, thread.variables->next));
  }
}

void bring_in(const ControlBlock& coroutine) noexcept {
  if (state().on) exchange_for(&coroutine);
}

void look_again() noexcept {
  if (state().on) find_changes();
}

}  // namespace thread_variables
}  // namespace colibri
