#include "colibri/core/inspect/metrics.h"

#include <array>

#include "colibri/core/hook_calls.h"
#include "colibri/core/inspect/scheduler_metrics.h"
#include "colibri/core/log_output.h"
#include "colibri/core/offload.h"
#include "colibri/core/scheduler_list.h"

namespace colibri {
namespace {

constexpr double kNanoseconds = 1e9;  // in a second

/// A number that each scheduler has.
struct SchedulerMetric {
  std::string_view name;
  std::string_view help;
  MetricType type;
  const Figure SchedulerFigures::*figure;
  double unit = 1;
};

constexpr SchedulerMetric kSchedulerMetrics[] = {
    {"colibri_coroutines", "Coroutines that have begun and not ended.", MetricType::kGauge,
     &SchedulerFigures::alive},
    {"colibri_run_queue_length", "Coroutines that are ready and wait for their turn.",
     MetricType::kGauge, &SchedulerFigures::ready},
    {"colibri_timers", "Timers that are armed.", MetricType::kGauge, &SchedulerFigures::timers},
    {"colibri_stacks_in_use", "Private stacks on which coroutines live.", MetricType::kGauge,
     &SchedulerFigures::stacks_in_use},
    {"colibri_stacks_free", "Private stacks that are kept for the next coroutines.",
     MetricType::kGauge, &SchedulerFigures::stacks_free},
    {"colibri_saved_stack_bytes", "Memory of coroutines on shared stacks, their saved bytes.",
     MetricType::kGauge, &SchedulerFigures::saved_bytes},
    {"colibri_coroutines_ended_total", "Coroutines that have ended.", MetricType::kCounter,
     &SchedulerFigures::ended},
    {"colibri_yields_total", "Slices whose coroutine was ready to go on.", MetricType::kCounter,
     &SchedulerFigures::yields},
    {"colibri_shared_stack_copies_total", "Times that a shared stack was copied out.",
     MetricType::kCounter, &SchedulerFigures::copies},
    {"colibri_shared_stack_copied_bytes_total", "Bytes of shared stacks that were copied out.",
     MetricType::kCounter, &SchedulerFigures::copied_bytes},
    {"colibri_event_looks_total", "Times that the loop asked the kernel for events.",
     MetricType::kCounter, &SchedulerFigures::looks},
    {"colibri_sleeps_total", "Times that it was ready to sleep meanwhile.", MetricType::kCounter,
     &SchedulerFigures::sleeps},
    {"colibri_sleep_seconds_total", "Time in which nobody was ready.", MetricType::kCounter,
     &SchedulerFigures::slept, kNanoseconds},
};

/// The same for histograms.
struct SchedulerHistogram {
  std::string_view name;
  std::string_view help;
  const DurationHistogram SchedulerFigures::*histogram;
};

constexpr SchedulerHistogram kSchedulerHistograms[] = {
    {"colibri_slice_seconds", "How long coroutines ran before they let others run.",
     &SchedulerFigures::slice},
    {"colibri_run_queue_delay_seconds",
     "How long coroutines waited in the run queue; one at a time is followed.",
     &SchedulerFigures::queue_delay},
    {"colibri_loop_lag_seconds", "How late timers were that were due.",
     &SchedulerFigures::loop_lag},
    {"colibri_turn_seconds", "Time between two looks for events, without sleep.",
     &SchedulerFigures::turn},
};

constexpr std::string_view kReasons[kWaitKinds] = {"nothing", "readable", "writable", "poll",
                                                   "sleep",   "join",     "other",    "queue"};

/// A number that each set of helper threads has.
struct HelperMetric {
  std::string_view name;
  std::string_view help;
  MetricType type;
  double (*of)(const HelperFigures& figures);
};

constexpr HelperMetric kHelperMetrics[] = {
    {"colibri_helper_threads", "Threads for calls that block.", MetricType::kGauge,
     [](const HelperFigures& figures) { return static_cast<double>(figures.threads); }},
    {"colibri_helper_threads_idle", "Of these, those that have nothing to do.", MetricType::kGauge,
     [](const HelperFigures& figures) { return static_cast<double>(figures.idle); }},
    {"colibri_helper_queue_length", "Calls that no thread has begun.", MetricType::kGauge,
     [](const HelperFigures& figures) { return static_cast<double>(figures.queued); }},
    {"colibri_helper_calls_total", "Calls that a thread has begun.", MetricType::kCounter,
     [](const HelperFigures& figures) { return static_cast<double>(figures.jobs); }},
};

constexpr std::pair<HelperSet, std::string_view> kHelperSetNames[kHelperSets] = {
    {HelperSet::kGeneral, "general"},
    {HelperSet::kFiles, "files"},
    {HelperSet::kNames, "names"},
    {HelperSet::kUnbounded, "unbounded"},
};

std::pair<std::string_view, std::string> label_of(const SchedulerFigures& figures) {
  return {"scheduler", std::to_string(figures.number.get())};
}

/// A family with a sample a scheduler, which `fill(sample, figures)` gives its numbers.
template <class Fill>
MetricFamily of_schedulers(std::string_view name, std::string_view help, MetricType type,
                           Fill fill) {
  MetricFamily family{.name = name, .help = help, .type = type};
  SchedulerMetrics::for_each([&](const SchedulerFigures& figures) {
    MetricSample& sample = family.samples.emplace_back();
    sample.labels.push_back(label_of(figures));
    fill(sample, figures);
  });
  return family;
}

MetricFamily spawned() {
  return of_schedulers(
      "colibri_coroutines_spawned_total", "Coroutines that have begun.", MetricType::kCounter,
      [](MetricSample& sample, const SchedulerFigures& figures) {
        sample.value = static_cast<double>(figures.alive.get() + figures.ended.get());
      });
}

MetricFamily parks() {
  MetricFamily family{.name = "colibri_parks_total",
                      .help = "Slices that ended by a wait, by what was waited for.",
                      .type = MetricType::kCounter};
  SchedulerMetrics::for_each([&](const SchedulerFigures& figures) {
    for (std::size_t kind = 1; kind < kWaitKinds; ++kind) {
      family.samples.push_back(
          {.labels = {label_of(figures), {"reason", std::string(kReasons[kind])}},
           .value = static_cast<double>(figures.parks[kind].get())});
    }
  });
  return family;
}

/// Those that were never called are left out: most programs use few.
MetricFamily hook_calls(std::string_view name, std::string_view help,
                        const Figure HookFigures::*figure) {
  MetricFamily family{.name = name, .help = help, .type = MetricType::kCounter};
  const auto names = HookNames::all();
  SchedulerMetrics::for_each([&](const SchedulerFigures& figures) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      const HookFigures& hook = figures.hooks[i];
      if (hook.calls.get() == 0) continue;
      family.samples.push_back({.labels = {label_of(figures), {"symbol", std::string(names[i])}},
                                .value = static_cast<double>((hook.*figure).get())});
    }
  });
  return family;
}

void fill_histogram(MetricSample& sample, const DurationHistogram& histogram) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < DurationHistogram::kBuckets; ++i) {
    count += histogram.count_in(i);
    sample.cumulative.push_back(count);
  }
  sample.sum = static_cast<double>(histogram.sum()) / kNanoseconds;
}

MetricFamily of_helpers(const HelperMetric& metric) {
  MetricFamily family{.name = metric.name, .help = metric.help, .type = metric.type};
  for (const auto& [set, name] : kHelperSetNames) {
    family.samples.push_back(
        {.labels = {{"set", std::string(name)}}, .value = metric.of(helper_figures(set))});
  }
  return family;
}

MetricFamily of_process(std::string_view name, std::string_view help, std::uint64_t value) {
  return {.name = name,
          .help = help,
          .type = MetricType::kCounter,
          .samples = {{.value = static_cast<double>(value)}}};
}

}  // namespace

void enable_metrics() noexcept {
  static constinit SchedulerObserver observer{.begun = &SchedulerMetrics::watch_this_thread};
  observe_schedulers(observer);
  call_on_each_scheduler(&SchedulerMetrics::watch_this_thread);
}

std::vector<MetricFamily> collect_metrics() {
  std::vector<MetricFamily> all;
  for (const SchedulerMetric& metric : kSchedulerMetrics) {
    all.push_back(of_schedulers(
        metric.name, metric.help, metric.type,
        [&](MetricSample& sample, const SchedulerFigures& figures) {
          sample.value = static_cast<double>((figures.*metric.figure).get()) / metric.unit;
        }));
  }
  all.push_back(spawned());
  all.push_back(parks());
  all.push_back(
      hook_calls("colibri_hook_calls_total", "Calls of hooks in coroutines.", &HookFigures::calls));
  all.push_back(hook_calls("colibri_hook_parked_total",
                           "Of these, those that parked their coroutine.", &HookFigures::parked));
  for (const SchedulerHistogram& metric : kSchedulerHistograms) {
    all.push_back(of_schedulers(metric.name, metric.help, MetricType::kHistogram,
                                [&](MetricSample& sample, const SchedulerFigures& figures) {
                                  fill_histogram(sample, figures.*metric.histogram);
                                }));
  }
  for (const HelperMetric& metric : kHelperMetrics) all.push_back(of_helpers(metric));
  const LogCounters log = log_counters();
  all.push_back(
      of_process("colibri_log_messages_total", "Messages given to the log.", log.messages));
  all.push_back(of_process("colibri_log_messages_queued_total",
                           "Of these, those that were not written at once.", log.queued));
  all.push_back(of_process("colibri_log_messages_dropped_total",
                           "Of these, those for which there was no room.", log.dropped));
  return all;
}

const std::vector<double>& metric_bucket_bounds() {
  static const auto* const bounds = [] {
    auto* made = new std::vector<double>;
    for (std::size_t i = 0; i + 1 < DurationHistogram::kBuckets; ++i) {
      made->push_back(static_cast<double>(DurationHistogram::bound_of(i)) / kNanoseconds);
    }
    return made;
  }();
  return *bounds;
}

}  // namespace colibri
