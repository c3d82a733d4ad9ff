#pragma once

/// Measures calls, switches and memory of both kinds, in turns, and prints the table. Returns the
/// program's exit status.
int print_costs();
