// Everything of colibri in one header.
#pragma once

#include "colibri/core/backtrace.h"
#include "colibri/core/canceled.h"
#include "colibri/core/channel.h"
#include "colibri/core/coroutine.h"
#include "colibri/core/deadline.h"
#include "colibri/core/parker.h"
#include "colibri/core/run.h"
#include "colibri/core/select.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/hook/hook.h"
