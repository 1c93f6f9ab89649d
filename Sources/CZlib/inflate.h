/* What is needed of zlib (Debian's zlib1g-dev): to inflate in one go a raw deflate stream, for disk images, and a gzip file,
 * for kernels. */
#pragma once

#include <stddef.h>
#include <zlib.h>

/* Inflates what is at `input` until `output` is full or the stream ends. Returns zlib's status, Z_MEM_ERROR when it cannot
 * begin, and in *input_left and *output_left how many bytes were not used. Counts are below 4 GiB. */
static inline int zlib_inflate_once(int window_bits, const void *input, size_t input_count, void *output,
                                    size_t output_count, size_t *input_left, size_t *output_left) {
  z_stream stream = {
    .next_in = (Bytef *)input, .avail_in = (uInt)input_count, .next_out = output, .avail_out = (uInt)output_count,
  };
  if (inflateInit2(&stream, window_bits) != Z_OK) return Z_MEM_ERROR;
  int status = inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  *input_left = stream.avail_in;
  *output_left = stream.avail_out;
  return status;
}

/* Inflates the stream that starts at `input` and may end before its `input_count` bytes do, until `output` is full.
 * Returns 1 when exactly `output_count` bytes came out, 0 when the stream is broken or shorter, or memory is short.
 * qcow2 has no zlib header and a window of 4 KiB; a window of 32 KiB reads any stream. */
static inline int zlib_inflate_raw(const void *input, size_t input_count, void *output, size_t output_count) {
  size_t input_left, output_left;
  int status = zlib_inflate_once(-MAX_WBITS, input, input_count, output, output_count, &input_left, &output_left);
  return (status == Z_STREAM_END || status == Z_BUF_ERROR) && output_left == 0;
}

/* 1 when all of the input is one gzip member that inflates to exactly `output_count` bytes, its check included; else 0. */
static inline int zlib_inflate_gzip(const void *input, size_t input_count, void *output, size_t output_count) {
  size_t input_left, output_left;
  int status = zlib_inflate_once(16 + MAX_WBITS, input, input_count, output, output_count, &input_left, &output_left);
  return status == Z_STREAM_END && input_left == 0 && output_left == 0;
}
