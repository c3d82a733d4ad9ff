// Deterministic tests of what is written on colibri: seeds and virtual time; see docs/testing.md.
#pragma once

#include "colibri/core/testing/seeds.h"
#include "colibri/core/testing/virtual_time.h"
