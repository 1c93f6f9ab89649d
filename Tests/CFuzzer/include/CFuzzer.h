#pragma once
#include <stddef.h>
#include <stdint.h>

/// libFuzzer as a library (llvm.org/docs/LibFuzzer.html, "Using libFuzzer as a library"): calls `run` with one input after
/// the other, as the arguments say. The compiler links it with -sanitize=fuzzer.
int LLVMFuzzerRunDriver(int *count, char ***arguments, int (*run)(const uint8_t *data, size_t count));
