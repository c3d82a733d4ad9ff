// The library of variables_library.cc.
#pragma once

extern "C" {

/// Adds to two variables of the calling thread's that begin as 7 and 0, and returns their sum.
int add_in_library(int amount);

/// Adds to a number of the calling thread's that begins as 5, in an object with a destructor, and
/// returns it. Of `amount`s above 0.
int add_to_object_in_library(int amount);

/// How many threads have such an object.
int count_of_objects_in_library();

}  // extern "C"
