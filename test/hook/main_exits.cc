// A program without colibri whose main ends by pthread_exit: its other thread goes on, and the
// process ends with it.
#include <pthread.h>

#include <cstdio>

namespace {

struct Unwound {
  ~Unwound() { std::puts("main is unwound"); }
};

void* go_on(void* main_thread) {
  pthread_join(*static_cast<pthread_t*>(main_thread), nullptr);
  std::puts("the other thread has joined main");
  return nullptr;
}

}  // namespace

int main() {
  static pthread_t main_thread = pthread_self();
  pthread_t other;
  if (pthread_create(&other, nullptr, &go_on, &main_thread) != 0) return 1;
  const Unwound frame;
  pthread_exit(nullptr);
}
