// What tests of HTTP servers begin with: a server, a client, requests, and their short names.
#pragma once

#include <chrono>

#include "test/net/http_client.h"
#include "test/net/http_requests.h"
#include "test/net/running_http_server.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::comes_true;
using test::describe;
using test::get;
using test::HttpAnswer;
using test::HttpClient;
using test::kChunkedHead;
using test::post;
using test::run_in_scheduler;
using test::RunningHttpServer;

}  // namespace colibri
