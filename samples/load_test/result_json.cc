#include <nlohmann/json.hpp>

#include "samples/load_test/result.h"

namespace load_test {
namespace {

using Json = nlohmann::ordered_json;

double microseconds(std::int64_t nanoseconds) {
  return static_cast<double>(nanoseconds) / 1000;
}

Json latency_of(const Histogram& latency) {
  auto at = [&](double percent) { return microseconds(latency.percentile(percent)); };
  return {{"samples", latency.count()},
          {"min", microseconds(latency.min())},
          {"mean", latency.mean() / 1000},
          {"p50", at(50)},
          {"p90", at(90)},
          {"p99", at(99)},
          {"p99_9", at(99.9)},
          {"max", microseconds(latency.max())}};
}

Json errors_of(const Statistics& statistics) {
  Json errors;
  for (std::size_t i = 0; i < kErrorKinds; ++i) {
    errors[std::string(name_of(static_cast<ErrorKind>(i)))] = statistics.errors[i].value();
  }
  return errors;
}

Json connections_of(const Result& result) {
  const Statistics& statistics = *result.statistics;
  return {{"asked", result.options.connections},
          {"established", statistics.established.value()},
          {"idle_asked", result.options.idle},
          {"idle_established", statistics.idle_established.value()},
          {"lost", statistics.lost.value()},
          {"renewed", statistics.renewed}};
}

Json stages_of(const Result& result) {
  Json stages = Json::array();
  for (std::size_t i = 0; i < result.statistics->stages.size(); ++i) {
    const StageStatistics& stage = result.statistics->stages[i];
    stages.push_back({{"stage", result.options.stages[i].text()},
                      {"due", stage.due},
                      {"latency_us", latency_of(stage.latency)}});
  }
  return stages;
}

Json seconds_of(const Result& result) {
  Json seconds = Json::array();
  for (std::size_t i = 0; i < result.seconds.size(); ++i) {
    const SecondSummary& second = result.seconds[i];
    Json json = {{"messages", second.messages}, {"errors", second.errors}, {"p50_us", second.p50},
                 {"p90_us", second.p90},        {"p99_us", second.p99},    {"max_us", second.max}};
    if (i < result.server.size()) {
      json["server_processors"] = result.server[i].processors;
      json["server_resident_bytes"] = result.server[i].resident_bytes;
    }
    seconds.push_back(std::move(json));
  }
  return seconds;
}

Json tester_of(const Result& result) {
  const Statistics& statistics = *result.statistics;
  return {{"busiest_thread", statistics.busiest_thread},
          {"due", statistics.due},
          {"late", statistics.late},
          {"doubts", result.doubts()}};
}

}  // namespace

std::string as_json(const Result& result) {
  const Options& options = result.options;
  const Statistics& statistics = *result.statistics;
  const Json json = {{"target", result.target},
                     {"protocol", name_of(options.protocol)},
                     {"tls", options.tls},
                     {"what", what_is_sent(options)},
                     {"threads", options.threads},
                     {"message_bytes", options.message_bytes},
                     {"depth", options.depth},
                     {"rate", options.rate},
                     {"verify", options.verify},
                     {"seconds", static_cast<double>(result.measured.count()) / 1e9},
                     {"interrupted", result.interrupted},
                     {"good", result.good()},
                     {"complaint", result.complaint()},
                     {"connections", connections_of(result)},
                     {"messages", statistics.messages.value()},
                     {"messages_per_second", result.messages_per_second()},
                     {"megabytes_per_second", result.megabytes_per_second()},
                     {"unanswered", statistics.unanswered},
                     {"latency_us", latency_of(statistics.latency)},
                     {"own_delay_us", microseconds(statistics.latest_send)},
                     {"tester", tester_of(result)},
                     {"stages", stages_of(result)},
                     {"each_second", seconds_of(result)},
                     {"errors", errors_of(statistics)}};
  return json.dump(2) + "\n";
}

}  // namespace load_test
