// What programs are made of that know nothing of colibri, and say case by case what threads do.
#pragma once

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include <cstdio>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

inline void* const kValue = reinterpret_cast<void*>(0x1234);

/// Words that a case says, in its order.
class Line {
 public:
  template <class Word>
  Line& operator<<(const Word& word) {
    if (!text_.empty()) text_ += ' ';
    if constexpr (std::is_convertible_v<Word, std::string>) {
      text_ += word;
    } else {
      text_ += std::to_string(word);
    }
    return *this;
  }
  const char* text() const { return text_.c_str(); }

 private:
  std::string text_;
};

inline std::string error(int number) {
  return number == 0 ? "0" : strerrorname_np(number);
}

inline timespec from_now(clockid_t clock, long milliseconds) {
  timespec time{};
  clock_gettime(clock, &time);
  time.tv_nsec += milliseconds % 1000 * 1'000'000;
  time.tv_sec += milliseconds / 1000 + time.tv_nsec / 1'000'000'000;
  time.tv_nsec %= 1'000'000'000;
  return time;
}

/// A gate that is opened once.
class Gate {
 public:
  void open() {
    pthread_mutex_lock(&mutex_);
    is_open_ = true;
    pthread_cond_broadcast(&changed_);
    pthread_mutex_unlock(&mutex_);
  }
  void pass() {
    pthread_mutex_lock(&mutex_);
    while (!is_open_) pthread_cond_wait(&changed_, &mutex_);
    pthread_mutex_unlock(&mutex_);
  }

 private:
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t changed_ = PTHREAD_COND_INITIALIZER;
  bool is_open_ = false;
};

/// A thread that runs `body` and returns what it returns.
class Thread {
 public:
  using Body = std::function<void*()>;
  explicit Thread(Body body, const pthread_attr_t* attributes = nullptr)
      : body_(std::move(body)), error_(pthread_create(&id_, attributes, &run, new Body(body_))) {}
  pthread_t id() const { return id_; }
  int error() const { return error_; }
  void* join() const {
    void* value = nullptr;
    const int result = pthread_join(id_, &value);
    return result == 0 ? value : reinterpret_cast<void*>(-1);
  }

 private:
  static void* run(void* given) {
    const std::unique_ptr<Body> body(static_cast<Body*>(given));
    return (*body)();
  }
  Body body_;
  pthread_t id_{};
  int error_;
};

/// One promise. What `run` says must not depend on who runs first.
struct Case {
  const char* name;
  void (*run)(Line&);
};

/// Runs `cases`, each a line of output; or, if one is named by the program's first argument, that
/// one alone, of these and of those that are only run so. Returns main's status.
inline int run_cases(std::span<const Case> cases, std::span<const Case> only_by_name, int count,
                     char** arguments) {
  for (const auto& list : {cases, only_by_name}) {
    for (const Case& each : list) {
      if (count > 1 ? std::string(arguments[1]) != each.name : list.data() != cases.data())
        continue;
      Line line;
      each.run(line);
      std::printf("%s: %s\n", each.name, line.text());
      std::fflush(stdout);
    }
  }
  return 0;
}
