// A library of a program that knows nothing of colibri, with thread-local variables of its own:
// linked to the program, and opened while it runs.
#include "test/hook/threads/variables_library.h"

#include <atomic>

namespace {

std::atomic<int> objects{0};

struct Counted {
  int value = 5;
  ~Counted() { --objects; }
};

thread_local int begins_as_seven = 7;
thread_local int begins_as_zero;
thread_local Counted counted;

}  // namespace

int add_in_library(int amount) {
  return begins_as_seven += amount, begins_as_zero += amount, begins_as_seven + begins_as_zero;
}

int add_to_object_in_library(int amount) {
  if (counted.value == 5) ++objects;
  return counted.value += amount;
}

int count_of_objects_in_library() {
  return objects.load();
}
