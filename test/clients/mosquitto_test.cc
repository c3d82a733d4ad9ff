// libmosquitto against mosquitto.
#include <gtest/gtest.h>
#include <mosquitto.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

#include "colibri/core/deadline.h"
#include "test/clients/bounded_test.h"
#include "test/clients/crowd.h"
#include "test/clients/server_process.h"
#include "test/clients/servers.h"
#include "test/support/run_in_scheduler.h"

namespace colibri::test {
namespace {

using namespace std::chrono_literals;

struct Deleter {
  void operator()(mosquitto* client) const { mosquitto_destroy(client); }
};

void expect_success(int result) {
  if (result != MOSQ_ERR_SUCCESS) throw std::runtime_error(mosquitto_strerror(result));
}

/// A client that subscribes to a topic and disconnects with the first message, which it keeps.
class Subscriber {
 public:
  Subscriber(int port, std::string topic) : topic_(std::move(topic)) {
    mosquitto_connect_callback_set(client_.get(), [](mosquitto* client, void* self, int) {
      const std::string& own = static_cast<Subscriber*>(self)->topic_;
      expect_success(mosquitto_subscribe(client, nullptr, own.c_str(), 0));
    });
    mosquitto_message_callback_set(
        client_.get(), [](mosquitto* client, void* self, const mosquitto_message* message) {
          static_cast<Subscriber*>(self)->message_.assign(
              static_cast<const char*>(message->payload),
              static_cast<std::size_t>(message->payloadlen));
          mosquitto_disconnect(client);
        });
    expect_success(mosquitto_connect(client_.get(), "127.0.0.1", port, 60));
  }

  std::string await_message() {
    expect_success(mosquitto_loop_forever(client_.get(), -1, 1));
    return message_;
  }
  /// Waits for whatever comes, and sees to it.
  int loop() { return mosquitto_loop(client_.get(), static_cast<int>(kHang.count()) * 1000, 1); }

 private:
  const std::string topic_;
  std::string message_;
  const std::unique_ptr<mosquitto, Deleter> client_{mosquitto_new(nullptr, true, this)};
};

/// Publishes and disconnects once all has been acknowledged.
class Publisher {
 public:
  explicit Publisher(int port) {
    mosquitto_publish_callback_set(client_.get(), [](mosquitto* client, void* self, int) {
      if (--static_cast<Publisher*>(self)->unacknowledged_ == 0) mosquitto_disconnect(client);
    });
    expect_success(mosquitto_connect(client_.get(), "127.0.0.1", port, 60));
  }

  void publish(const std::string& topic, const std::string& message) {
    ++unacknowledged_;
    expect_success(mosquitto_publish(client_.get(), nullptr, topic.c_str(),
                                     static_cast<int>(message.size()), message.data(), 1, false));
  }
  void await_acknowledgements() { expect_success(mosquitto_loop_forever(client_.get(), -1, 1)); }

 private:
  int unacknowledged_ = 0;
  const std::unique_ptr<mosquitto, Deleter> client_{mosquitto_new(nullptr, true, this)};
};

class MosquittoTest : public BoundedTest {
 protected:
  static void SetUpTestSuite() { mosquitto_lib_init(); }
  static void TearDownTestSuite() { mosquitto_lib_cleanup(); }

  int port() const { return server_.port(); }

  int logged(const std::string& event) const {
    const std::string log = server_.log();
    int count = 0;
    for (auto at = log.find(event); at != std::string::npos; at = log.find(event, at + 1)) ++count;
    return count;
  }
  int waiting_clients() const { return logged("Sending SUBACK") - logged("Received DISCONNECT"); }

 private:
  TemporaryFolder folder_;
  ServerProcess server_{folder_, mosquitto_server(folder_)};
};

TEST_F(MosquittoTest, AllWaitForAMessageAtOnce) {
  const auto client = [this](int number) {
    const std::string text = std::to_string(number);
    Subscriber subscriber(port(), "topic/" + text);
    EXPECT_EQ(subscriber.await_message(), "message " + text);
  };
  const auto publish = [this] {
    Publisher publisher(port());
    for (int i = 0; i < kClients; ++i) {
      publisher.publish("topic/" + std::to_string(i), "message " + std::to_string(i));
    }
    publisher.await_acknowledgements();
  };
  expect_crowd(client, {.waiting = [this] { return waiting_clients(); }, .open = publish});
  EXPECT_EQ(logged("Sending PUBLISH"), kClients);
}

// mosquitto_loop_forever would connect again and again.
TEST_F(MosquittoTest, ATimeLimitEndsALoop) {
  run_in_scheduler([this] {
    Subscriber subscriber(port(), "nothing");
    const TimeLimit limit(50ms);
    int result = MOSQ_ERR_SUCCESS;
    while (result == MOSQ_ERR_SUCCESS) result = subscriber.loop();
    EXPECT_EQ(result, MOSQ_ERR_ERRNO);
    EXPECT_EQ(errno, ETIMEDOUT);
  });
}

}  // namespace
}  // namespace colibri::test
