/* What unpacking a kernel needs of liblzma (Debian's liblzma-dev): an .xz stream in one go. */
#pragma once

#include <lzma.h>
#include <stddef.h>
#include <stdint.h>

/* 1 when all of the input is one stream that decodes to exactly `output_count` bytes, its check included, with at most
 * `memory_limit` bytes for a dictionary; else 0. */
static inline int lzma_decode_whole(
    const void *input, size_t input_count, void *output, size_t output_count, uint64_t memory_limit) {
  size_t taken = 0, made = 0;
  lzma_ret outcome = lzma_stream_buffer_decode(
      &memory_limit, 0, NULL, input, &taken, input_count, output, &made, output_count);
  return outcome == LZMA_OK && taken == input_count && made == output_count;
}
