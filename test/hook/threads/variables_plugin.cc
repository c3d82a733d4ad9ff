// A library that variable_cases opens while it runs, and closes again.
namespace {

struct Destroyed {
  int value = 5;
  int* also = &value;
  // Would crash if this library were gone by then.
  ~Destroyed() { *also = 0; }
};

thread_local int begins_as_hundred = 100;
thread_local int begins_as_zero;
thread_local Destroyed object;

}  // namespace

extern "C" int add_in_plugin(int amount) {
  return begins_as_hundred += amount, begins_as_zero += amount, begins_as_hundred + begins_as_zero;
}

extern "C" int add_to_object_in_plugin(int amount) {
  return object.value += amount;
}
